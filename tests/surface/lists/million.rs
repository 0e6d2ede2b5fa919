//! Lists at a million bookings: whatever is asked for, a page is read by an index, and costs what its rows cost. The test judges
//! the plans of all statements, as they were executed; times are told, and not asserted: `./test --long million`.
mod plans;
mod samples;
mod server;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::{Duration, Instant},
};

use loadmaster_accounts::Role;
use loadmaster_testkit::{Answer, Client, TestDatabase, World, WorldOptions, is_long};
use sqlx::{Executor, PgConnection};
use uuid::Uuid;

use super::described::{Described, described, next};
use plans::Read;
use samples::{LISTS, List, OF_STAFF};
use server::{Log, Server};

/// A table of more rows is not read from its beginning to its end.
const LARGE: f32 = 5_000.0;
/// A page reads no more rows, those that are skipped by `offset` aside, which the contract bounds.
const MOST_ROWS: u64 = 50_000;
const MOST_PAGES: u64 = 50_000;
/// So many of the slowest pages of each list are told.
const SLOWEST: usize = 5;
/// Most filters that are combined with an order or a count, these included.
const MOST_BESIDE: usize = 4;
/// A place deep in a list.
const DEEP: u64 = 9_900;

#[test]
fn every_list_and_every_filter_has_samples() {
    let described = described();
    let sampled: BTreeSet<&str> = LISTS.iter().map(|list| list.operation).collect();
    assert_eq!(sampled, described.keys().map(String::as_str).collect());
    for list in LISTS {
        let sampled: BTreeSet<&str> = list.filters.iter().map(|(name, _)| *name).collect();
        let of_list: BTreeSet<&str> = described[list.operation].filters.keys().map(String::as_str).collect();
        assert_eq!(sampled, of_list, "{}", list.operation);
    }
}

/// One thing to ask of a list: its filters with their values.
type Asked<'a> = Vec<(&'a str, String)>;

/// What a list is asked for: each value of each filter alone, and all combinations of filters, with common and rare values.
async fn asked<'a>(list: &'a List, described: &Described, owner: &mut PgConnection) -> Vec<Asked<'a>> {
    let mut values = Vec::new();
    for (name, select) in list.filters {
        let select = format!("select v::text from ({select}) s (v)");
        let found: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(select)).fetch_all(&mut *owner).await.unwrap();
        assert!(!found.is_empty(), "{} {name}", list.operation);
        values.push((*name, found));
    }
    let mut all = BTreeSet::new();
    for subset in 0_u32..1 << values.len() {
        let chosen: Vec<_> =
            values.iter().enumerate().filter(|(at, _)| subset >> at & 1 == 1).map(|(_, it)| it).collect();
        let filters = chosen.iter().filter(|(name, _)| !["sort", "count"].contains(name)).count();
        if filters > 1 && chosen.iter().any(|(name, _)| list.apart.contains(name)) {
            continue;
        }
        let has = |name: &str| chosen.iter().any(|(chosen, _)| *chosen == name);
        // Orders and counts are asked for with each pair of filters, not with all combinations of them: there are too many.
        if (has("sort") || has("count")) && chosen.len() > MOST_BESIDE {
            continue;
        }
        if described.filters.iter().any(|(name, required)| *required && !has(name)) {
            continue;
        }
        let with = |pick: &dyn Fn(usize, usize) -> usize| {
            chosen.iter().enumerate().map(|(at, (name, found))| (*name, found[pick(at, found.len())].clone())).collect()
        };
        let longest = chosen.iter().map(|(_, found)| found.len()).max().unwrap_or(1);
        if chosen.len() <= 2 {
            for turn in 0..longest {
                all.insert(with(&|_, length| turn.min(length - 1)));
                all.insert(with(&|at, length| if at == 0 { turn.min(length - 1) } else { 0 }));
                all.insert(with(&|at, length| if at == 0 { 0 } else { turn.min(length - 1) }));
            }
        }
        all.insert(with(&|_, _| 0));
        all.insert(with(&|_, length| length - 1));
        all.insert(with(&|at, length| if at % 2 == 0 { 0 } else { length - 1 }));
        all.insert(with(&|at, length| if at % 2 == 0 { length - 1 } else { 0 }));
    }
    all.into_iter().collect()
}

/// The pages that are asked for: for each question the first one, and one deep in the list, by `offset` and by cursor.
fn target(path: &str, asked: &Asked<'_>, rest: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(asked);
    let query = query.finish();
    format!("{path}?{query}{}limit=100{rest}", if query.is_empty() { "" } else { "&" })
}

/// A database with a million bookings, and its server.
async fn million() -> (Server, TestDatabase) {
    let server = Server::start().await;
    let database = TestDatabase::elsewhere(&server.url("loadmaster")).await;
    let mut owner = database.owner().await;
    let began = Instant::now();
    owner.execute("set session_replication_role = replica").await.unwrap();
    let months = "select ensure_partitions(table_name, '2025-11-01', 12) from partitioned_tables";
    sqlx::query(months).fetch_all(&mut owner).await.unwrap();
    // One by one: the last one, vacuum, runs in no transaction.
    for statement in include_str!("million.sql").split(";\n") {
        owner.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statement))).await.unwrap();
    }
    println!("filled in {:?}", began.elapsed());
    (server, database)
}

/// Who asks: the one with most bookings, and an administrator with most API keys.
async fn client(world: &World, owner: &mut PgConnection, role: Role) -> Client {
    let select = match role {
        Role::Admin => "select u.id, u.organization_id from users u where u.id = (select user_id from api_keys group by 1 order by count(*) desc limit 1)",
        _ => {
            "select u.id, u.organization_id from users u
             where u.id = (select user_id from notifications n join users using (organization_id) where users.id = n.user_id
                           group by 1 order by count(*) desc limit 1)"
        }
    };
    let (user, organization): (Uuid, Uuid) = sqlx::query_as(select).fetch_one(owner).await.unwrap();
    world.anonymous().with_token(&world.token(role, user, organization))
}

/// How a list did.
#[derive(Default)]
struct Told {
    /// The time of each page, and what was asked for.
    times: Vec<(Duration, String)>,
    most: Read,
}

struct Walk<'a> {
    large: HashSet<String>,
    /// What the server does beside requests.
    beside: HashSet<String>,
    log: Option<Log>,
    session: PgConnection,
    /// Another caller.
    stranger: Option<Client>,
    refused: HashSet<(&'static str, Role)>,
    faults: BTreeMap<String, String>,
    told: BTreeMap<&'a str, Told>,
}

impl<'a> Walk<'a> {
    async fn list(
        &mut self,
        list: &'a List,
        described: &Described,
        role: Role,
        client: &Client,
        owner: &mut PgConnection,
    ) {
        let mut path = described.path.clone();
        if let Some(select) = list.path {
            let value: String = sqlx::query_scalar(select).fetch_one(&mut *owner).await.unwrap();
            for value in value.split(' ') {
                let (head, tail) = (path.find('{').unwrap(), path.find('}').unwrap());
                path.replace_range(head..=tail, value);
            }
        }
        for asked in asked(list, described, owner).await {
            if role == Role::Customer && asked.iter().any(|(name, _)| OF_STAFF.contains(name)) {
                continue;
            }
            let first = self.get(list.operation, role, client, &target(&path, &asked, ""), 0).await;
            let Some(second) = next(&first) else { continue };
            self.refuse(list, described, role, client, &second).await;
            let skipping = described.offset.then(|| target(&path, &asked, &format!("&offset={DEEP}")));
            let deep = match &skipping {
                Some(target) => next(&self.get(list.operation, role, client, target, DEEP).await),
                None => None,
            };
            self.get(list.operation, role, client, &deep.unwrap_or(second), 0).await;
        }
    }

    /// A cursor that was changed, is used with other filters, or by another caller, is refused.
    async fn refuse(&mut self, list: &List, described: &Described, role: Role, client: &Client, link: &str) {
        if !self.refused.insert((list.operation, role)) {
            return;
        }
        let (head, cursor) = link.split_once("cursor=").unwrap();
        let mut turned = cursor.as_bytes().to_vec();
        turned[5] = if turned[5] == b'A' { b'B' } else { b'A' };
        let turned = String::from_utf8(turned).unwrap();
        let mut wrong = vec![format!("{head}cursor={turned}"), format!("{head}cursor={}", &cursor[1..])];
        // Links of the list without filters come first: one more is another list.
        for (name, select) in list.filters {
            let is_sent = head.contains(&format!("{name}="));
            let may = role != Role::Customer || !OF_STAFF.contains(name);
            // A list is the same whether it is counted or not.
            if may && !is_sent && *name != "count" {
                let select = format!("select v::text from ({select}) s (v)");
                let value: String =
                    sqlx::query_scalar(sqlx::AssertSqlSafe(select)).fetch_one(&mut self.session).await.unwrap();
                wrong.push(target(
                    head.split('?').next().unwrap(),
                    &vec![(*name, value)],
                    &format!("&cursor={cursor}"),
                ));
            }
        }
        for wrong in wrong {
            let answer = client.get(&wrong).await;
            self.expect_refusal(list, role, &wrong, &answer);
        }
        if !described.is_public {
            let answer = self.stranger.as_ref().unwrap().get(link).await;
            // Where the other one may see the list at all.
            if !matches!(answer.status.as_u16(), 403 | 404) {
                self.expect_refusal(list, role, link, &answer);
            }
        }
    }

    fn expect_refusal(&mut self, list: &List, role: Role, target: &str, answer: &Answer) {
        if answer.status != 400 || answer.body["code"] != "invalid_cursor" {
            let fault = format!("not refused: {} {}", answer.status, answer.body["code"]);
            self.faults.insert(format!("{} {role:?} {target}", list.operation), fault);
        }
    }

    async fn get(&mut self, list: &'a str, role: Role, client: &Client, target: &str, skipped: u64) -> Answer {
        let began = Instant::now();
        let answer = client.get(target).await;
        let took = began.elapsed();
        if answer.status != 200 {
            self.faults.insert(format!("{role:?} {target}"), answer.text.clone());
        }
        let mut sum = Read::default();
        let mut whole = Vec::new();
        if let Some(log) = &mut self.log {
            for executed in log.executed(&mut self.session).await {
                if self.beside.contains(&executed.text) {
                    continue;
                }
                let read = plans::read(&executed.plan, &self.large, &mut whole);
                sum = Read { rows: sum.rows + read.rows, pages: sum.pages + read.pages };
            }
        }
        let told = self.told.entry(list).or_default();
        told.times.push((took, format!("{role:?} {target}")));
        told.most = told.most.most(Read { rows: sum.rows.saturating_sub(skipped * 2), ..sum });
        let too_much = sum.rows > MOST_ROWS + skipped * 2 || sum.pages > MOST_PAGES + skipped * 4;
        if too_much || !whole.is_empty() {
            let shown = target.split("cursor=").next().unwrap();
            let place = if target.contains("cursor=") { " at a cursor" } else { "" };
            let fault = format!("{} rows, {} pages, whole {whole:?}", sum.rows, sum.pages);
            self.faults.insert(format!("{role:?} {shown}{place}"), fault);
        }
        answer
    }
}

/// Of times in their order.
fn percentile(times: &[(Duration, String)], percent: usize) -> Duration {
    times[(times.len() * percent / 100).min(times.len() - 1)].0
}

// Minutes: a database is filled, and some thousand questions are asked, three times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_any_list_is_read_by_an_index_at_a_million_bookings() {
    if !is_long() {
        return;
    }
    let (server, database) = million().await;
    let mut owner = database.owner().await;
    let described = described();
    let large = "select relname::text from pg_class where relkind = 'r' and reltuples > $1";
    let large: Vec<String> = sqlx::query_scalar(large).bind(LARGE).fetch_all(&mut owner).await.unwrap();
    let mut walk = Walk {
        large: large.into_iter().collect(),
        beside: HashSet::new(),
        log: None,
        session: database.owner().await,
        stranger: None,
        refused: HashSet::new(),
        faults: BTreeMap::new(),
        told: BTreeMap::new(),
    };
    // Plans are judged first; the times are those of a server whose statements are not looked at, and that has been asked before.
    for is_judged in [true, false] {
        let least = if is_judged { "0" } else { "-1" };
        let role = format!("alter role loadmaster_app set auto_explain.log_min_duration = {least}");
        owner.execute(sqlx::AssertSqlSafe(role)).await.unwrap();
        // One connection answers: it has executed each statement so often that it decides whether to keep its plan.
        let world = WorldOptions::patient()
            .set("database.max_connections", "1")
            .set("payments.provider", "test")
            .on(&database)
            .start()
            .await;
        walk.log = is_judged.then(|| server.log());
        if let Some(log) = &mut walk.log {
            tokio::time::sleep(Duration::from_secs(5)).await;
            walk.beside.extend(log.executed(&mut walk.session).await.into_iter().map(|executed| executed.text));
        }
        for _ in 0..if is_judged { 1 } else { 2 } {
            walk.told.clear();
            for list in LISTS {
                for role in list.roles {
                    let client = client(&world, &mut owner, *role).await;
                    // Of another organization.
                    walk.stranger = Some(world.customer().await);
                    walk.list(list, &described[list.operation], *role, &client, &mut owner).await;
                }
            }
        }
        for (list, told) in &mut walk.told {
            told.times.sort_unstable();
            let (median, slow) = (percentile(&told.times, 50), percentile(&told.times, 99));
            let Read { rows, pages } = told.most;
            let count = told.times.len();
            println!(
                "{list:24} {count:6} pages, p50 {median:10.1?}, p99 {slow:10.1?}, at most {rows:7} rows in {pages:7} pages of the database"
            );
            for (took, asked) in told.times.iter().rev().take(SLOWEST) {
                println!("{:24} {took:10.1?} {asked}", "");
            }
        }
        world.shutdown().await;
    }
    for (asked, fault) in &walk.faults {
        println!("{asked}: {fault}");
    }
    assert!(walk.faults.is_empty(), "{} pages read too much", walk.faults.len());
}
