//! The law of the house, read from the sources themselves with `syn`: who may lean on whom, and which furniture holds
//! what. Each complaint names file and line. The rules stand in `docs/architecture.md`; each is proven below by a small
//! bad text that it must complain of.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/one_build.rs"]
mod one_build;
#[path = "architecture/sources.rs"]
mod sources;
#[path = "architecture/words.rs"]
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use sources::Source;

/// Returns what is wrong with one source, each with its line.
type Rule = fn(&Source) -> Vec<(usize, String)>;

/// The rooms, as the workspace lists them between the kernel and the platform below, and the checker above.
static ROOMS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let members = members();
    let first = members.iter().position(|member| member == "accounts").unwrap();
    let last = members.iter().position(|member| member == "torture").unwrap();
    members[first..last].to_vec()
});

/// The crates below `crates`, in the order of the workspace.
fn members() -> Vec<String> {
    let manifest = read("Cargo.toml");
    let (_, members) = manifest.split_once("\nmembers = [").unwrap();
    let members = members.split_once(']').unwrap().0.split(',');
    members.filter_map(|member| Some(member.trim().strip_prefix("\"crates/")?.strip_suffix('"')?.to_owned())).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Rooms that consist of rooms of their own, lowest first: each of those uses the ones before it only.
const SUB_ROOMS: [(&str, &[&str]); 2] = [
    ("accounts", &["one_time", "people", "lasting", "credentials", "verification", "api_keys", "administration"]),
    ("notifications", &["post"]),
];

/// The platform's modules with their ranks: each uses those of lower ranks only. Values and time, telemetry, the servers,
/// what is made of one of them, the intervals, what is made of those, HTTP, what a request is made of, the unit of work, the
/// room.
const PLATFORM: [(&str, u8); 46] = [
    ("descriptors", 0),
    ("json", 0),
    ("outbound", 0),
    ("random", 0),
    ("sabotage", 0),
    ("seal", 0),
    ("settings", 0),
    ("shared", 0),
    ("shutdown", 0),
    ("tally", 0),
    ("outage", 0),
    ("certificate", 1),
    ("clock", 1),
    ("vault", 1),
    ("proofs", 2),
    ("telemetry", 2),
    ("postgres", 3),
    ("redis", 3),
    ("zones", 3),
    ("audit", 4),
    ("clock_watch", 4),
    ("durability", 4),
    ("embedded", 4),
    ("leases", 4),
    ("loader", 4),
    ("locks", 4),
    ("personal", 4),
    ("rights", 4),
    ("secrets", 4),
    ("queue", 5),
    ("rate_limit", 5),
    ("timing", 5),
    ("writers", 5),
    ("jobs", 6),
    ("outbox", 6),
    ("follower", 7),
    ("web", 7),
    ("idempotency", 8),
    ("listing", 8),
    ("snapshot", 8),
    ("streams", 8),
    ("tables", 8),
    ("tasks", 8),
    ("work", 9),
    ("entries", 10),
    ("room", 10),
];

/// Words of the trade, which neither the platform nor the app knows. The platform's settings do: their tables are the
/// operator's.
const TRADE: [&str; 11] =
    ["airline", "airport", "awb", "booking", "cutoff", "flight", "itinerary", "leg", "manifest", "shipment", "waybill"];

/// Files of the app that speak of the trade, and why.
const TRADE_IN_THE_APP: [(&str, &str); 3] = [
    ("src/app/console.rs", "the addresses of the console's pages"),
    ("src/app/summary.rs", "the counts of bookings at `/metrics/summary`"),
    ("src/app/system.rs", "the limits at `/info`, of all rooms"),
];

const LONGEST_FILE: usize = 450;
const LONGEST_FUNCTION: usize = 60;

/// Files beside a room's `router` that speak axum, and why.
const AXUM_BESIDE_ROUTERS: [(&str, &str); 5] = [
    ("crates/accounts/src/authenticate.rs", "the layer that puts the caller into the request"),
    ("crates/accounts/src/people/caller.rs", "the extractors that ask for a role"),
    ("crates/accounts/src/credentials/oauth.rs", "the token endpoint's handler, whose errors RFC 6749 prescribes"),
    ("crates/graphql/src/rest.rs", "calls the routes of other rooms"),
    ("crates/reference/src/tests.rs", "calls the room's router"),
];

/// Transactions begun on something else than a `Database`, and why.
const OTHER_BEGINS: [(&str, &str, &str); 1] = [(
    "crates/reference/src/seed.rs",
    "owner",
    "the owner's single connection at migration: no pool takes it back, and no client can hang up on it",
)];

/// What of sqlx is SQL text, or a way to send some. Macros and functions that begin with `query` count too.
const SQL: [&str; 5] = ["raw_sql", "QueryBuilder", "Executor", "AssertSqlSafe", "migrate"];

#[test]
fn the_house_keeps_its_rules() {
    let (of_tests, crates): (Vec<_>, Vec<_>) = sources::below("crates").into_iter().partition(is_of_tests);
    let (beside, mut house): (Vec<_>, Vec<_>) = crates.into_iter().partition(is_beside);
    house.extend(sources::below("src"));
    let mut found: Vec<String> = house.iter().flat_map(complaints).collect();
    found.extend(beside.iter().flat_map(|source| complaints_by(source, &RULES_BESIDE)));
    found.extend(of_tests.iter().flat_map(|source| complaints_by(source, &RULES_OF_TESTS)));
    found.extend(circles::within_rooms(&house));
    found.extend(uncounted_metrics(&house));
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    for (path, _) in AXUM_BESIDE_ROUTERS {
        let needed = house.iter().any(|source| source.path == path && source.speaks("axum"));
        assert!(needed, "{path} speaks no axum any more: drop its exception");
    }
    for (path, _) in TRADE_IN_THE_APP {
        let needed = house.iter().any(|source| source.path == path && !words_of_the_trade(source).is_empty());
        assert!(needed, "{path} speaks of no trade any more: drop its exception");
    }
    for (path, receiver, _) in OTHER_BEGINS {
        let begins = |source: &Source| source.begins.iter().any(|(_, name)| name == receiver);
        let needed = house.iter().any(|source| source.path == path && begins(source));
        assert!(needed, "{path} does not begin on {receiver} any more: drop its exception");
    }
    for (path, number, _) in words::EXCEPTIONS {
        let found =
            house.iter().find(|source| source.path == path).map(|source| words::words_that_are_out(source).len());
        assert_eq!(found, Some(number), "{path} has other words than its exception says: correct the exception");
    }
}

const RULES: [Rule; 12] = [
    the_app_knows_no_command,
    the_platform_is_ranked,
    the_platform_knows_no_trade,
    the_app_knows_no_trade,
    rooms_of_a_room_lean_on_those_before,
    sql_stays_in_repositories,
    axum_stays_in_routers,
    models_do_not_wait,
    transactions_begin_in_one_place,
    metrics_stand_in_the_catalogue,
    nothing_is_too_long,
    words::some_words_are_out,
];

/// The members of the workspace beside the house have no SQL at all.
const RULES_BESIDE: [Rule; 4] =
    [sql_stays_in_repositories, transactions_begin_in_one_place, metrics_stand_in_the_catalogue, nothing_is_too_long];

/// What the tests stand on looks behind the API, by SQL.
const RULES_OF_TESTS: [Rule; 3] =
    [transactions_begin_in_one_place, metrics_stand_in_the_catalogue, nothing_is_too_long];

fn is_of_tests(source: &Source) -> bool {
    source.path.starts_with("crates/testkit/")
}

/// Whether a file is no part of a storey: the checker, examples that run, and what cargo builds first.
fn is_beside(source: &Source) -> bool {
    let is_below = |folder: &&str| source.path.starts_with(*folder);
    ["crates/torture/", "crates/receivers/"].iter().any(is_below) || source.path.ends_with("/build.rs")
}

fn complaints(source: &Source) -> Vec<String> {
    complaints_by(source, &RULES)
}

fn complaints_by(source: &Source, rules: &[Rule]) -> Vec<String> {
    let mut found: Vec<_> = rules.iter().flat_map(|rule| rule(source)).collect();
    found.sort();
    found.dedup();
    found.into_iter().map(|(line, text)| format!("{}:{line}: {text}", source.path)).collect()
}

/// The room that a module lies in, or that a path (after its `crate`) leads into.
fn room_of(path: &[String]) -> Option<&str> {
    path.first().filter(|first| ROOMS.contains(first)).map(String::as_str)
}

/// The room's own room that a module lies in, or that a path leads into, and its place among them.
fn sub_room_of(path: &[String]) -> Option<(usize, &str)> {
    let (_, inside) = SUB_ROOMS.iter().find(|(room, _)| room_of(path) == Some(*room))?;
    inside.iter().copied().enumerate().find(|(_, name)| path.get(1).is_some_and(|module| module == name))
}

/// Which piece of a room's furniture a file is: `service`, `repository`, `book`.
fn furniture(source: &Source) -> Option<&str> {
    let place = if sub_room_of(&source.module).is_some() { 2 } else { 1 };
    room_of(&source.module).and_then(|_| source.module.get(place)).map(String::as_str)
}

/// The paths that lead into our crates, without their `crate`.
fn inward(source: &Source) -> impl Iterator<Item = (usize, &[String])> {
    source.paths.iter().filter(|(_, path)| path[0] == "crate").map(|(line, path)| (*line, &path[1..]))
}

/// What is typed stands above what serves: both are in the crate on top.
fn the_app_knows_no_command(source: &Source) -> Vec<(usize, String)> {
    if source.module.first().is_none_or(|first| first != "app") {
        return Vec::new();
    }
    let up = inward(source).filter(|(_, path)| path.first().is_some_and(|first| first == "cli"));
    up.map(|(line, path)| (line, format!("app looks up to {}", path.join("::")))).collect()
}

fn platform_rank(module: &[String]) -> Option<u8> {
    let name = module.get(1).filter(|_| module[0] == "platform")?;
    PLATFORM.iter().find(|(known, _)| known == name).map(|(_, rank)| *rank)
}

fn the_platform_is_ranked(source: &Source) -> Vec<(usize, String)> {
    let module = &source.module;
    if module.len() < 2 || module[0] != "platform" {
        return Vec::new();
    }
    let Some(own) = platform_rank(module) else {
        return vec![(1, format!("{} has no rank; add it to PLATFORM", module.join("::")))];
    };
    let others = inward(source).filter(|(line, path)| {
        path.len() > 1 && path[0] == "platform" && path[1] != module[1] && !source.is_of_a_test(*line)
    });
    // What has no rank is re-exported, a macro or a mistake: the compiler knows.
    let wrong = others.filter(|(_, path)| platform_rank(path).is_some_and(|rank| rank >= own));
    wrong.map(|(line, path)| (line, format!("{} leans on {}", module.join("::"), path.join("::")))).collect()
}

fn the_platform_knows_no_trade(source: &Source) -> Vec<(usize, String)> {
    let is_settings = source.module.get(1).is_some_and(|name| name == "settings");
    if source.module.first().is_none_or(|first| first != "platform") || is_settings {
        return Vec::new();
    }
    let spoken = words_of_the_trade(source).into_iter();
    spoken.map(|(line, _, word)| (line, format!("the platform speaks of {word}"))).collect()
}

/// Rooms register what is theirs; the app names only their crates and messages, as in `loadmaster_flights`.
fn the_app_knows_no_trade(source: &Source) -> Vec<(usize, String)> {
    let excepted = TRADE_IN_THE_APP.iter().any(|(path, _)| *path == source.path);
    if excepted || source.module.first().is_none_or(|first| first != "app") {
        return Vec::new();
    }
    let spoken = words_of_the_trade(source).into_iter().filter(|(_, before, _)| *before != "loadmaster");
    spoken.map(|(line, _, word)| (line, format!("the app speaks of {word}"))).collect()
}

/// The words of the trade that a file has, each with its line and the word before it.
fn words_of_the_trade(source: &Source) -> Vec<(usize, &str, &str)> {
    let singular = |word: &str| word.strip_suffix('s').unwrap_or(word).to_owned();
    let is_of_the_trade = |word: &str| TRADE.contains(&singular(word).as_str());
    let before = std::iter::once("").chain(source.words.iter().map(|(_, word)| word.as_str()));
    let words = before.zip(&source.words).map(|(before, (line, word))| (*line, before, word.as_str()));
    // Requests are in flight, too.
    let spoken = words.filter(|(_, before, word)| is_of_the_trade(word) && !(*word == "flight" && *before == "in"));
    spoken.filter(|(line, ..)| !source.is_of_a_test(*line)).collect()
}

/// Only the room itself knows all of its own rooms. They too have a front door, and are the basis of what lies beside them.
fn rooms_of_a_room_lean_on_those_before(source: &Source) -> Vec<(usize, String)> {
    let own = sub_room_of(&source.module).map(|(place, _)| place);
    let of_this_room = inward(source).filter(|(_, path)| room_of(path) == room_of(&source.module));
    let foreign = of_this_room.filter_map(|(line, path)| Some((line, sub_room_of(path)?.0, path)));
    let foreign = foreign.filter(|(_, place, _)| own != Some(*place));
    let is_module = |name: &String| name.starts_with(|first: char| first.is_ascii_lowercase());
    let wrong = foreign
        .filter(|(_, place, path)| own.is_some_and(|own| *place > own) || (path.len() > 3 && is_module(&path[2])));
    wrong.map(|(line, _, path)| (line, format!("may not use {}", path.join("::")))).collect()
}

fn sql_stays_in_repositories(source: &Source) -> Vec<(usize, String)> {
    if source.module.first().is_some_and(|first| first == "platform") || furniture(source) == Some("repository") {
        return Vec::new();
    }
    let is_sql = |name: &str| name.starts_with("query") || SQL.contains(&name);
    let paths =
        source.paths.iter().filter(|(_, path)| path[0] == "sqlx" && path.get(1).is_some_and(|name| is_sql(name)));
    let mut found: Vec<_> =
        paths.map(|(line, path)| (*line, format!("{} is SQL outside a repository", path.join("::")))).collect();
    let macros = source.macros.iter().filter(|(_, name)| name.starts_with("query") || name.starts_with("select_"));
    found.extend(macros.map(|(line, name)| (*line, format!("{name}! is SQL outside a repository"))));
    found
}

fn axum_stays_in_routers(source: &Source) -> Vec<(usize, String)> {
    let excepted = AXUM_BESIDE_ROUTERS.iter().any(|(path, _)| *path == source.path);
    let in_room = room_of(&source.module).is_some();
    if !in_room || excepted || furniture(source) == Some("router") {
        return Vec::new();
    }
    let found = source.paths.iter().filter(|(_, path)| path[0] == "axum");
    found.map(|(line, path)| (*line, format!("{} outside a router", path.join("::")))).collect()
}

fn models_do_not_wait(source: &Source) -> Vec<(usize, String)> {
    if furniture(source) != Some("model") {
        return Vec::new();
    }
    source.asyncs.iter().map(|line| (*line, "a model is pure: no async".to_owned())).collect()
}

/// What clippy.toml bans by type is banned here by name too, in macros as well: the `Database`, called `db` everywhere,
/// is the only thing that begins.
fn transactions_begin_in_one_place(source: &Source) -> Vec<(usize, String)> {
    if source.path.starts_with("crates/platform/src/postgres") {
        return Vec::new();
    }
    let excepted =
        |receiver: &str| OTHER_BEGINS.iter().any(|(path, name, _)| *path == source.path && *name == receiver);
    let calls = source.begins.iter().filter(|(_, receiver)| receiver != "db" && !excepted(receiver));
    let mut found: Vec<_> =
        calls.map(|(line, receiver)| (*line, format!("{receiver}.begin(): begin on a Database, called db"))).collect();
    for (line, path) in &source.paths {
        let [.., of, name] = path.as_slice() else { continue };
        let begins = matches!(name.as_str(), "begin" | "begin_with" | "try_begin");
        let pool =
            ["Pool", "PgPool", "PgConnection", "PoolConnection", "Connection", "Acquire", "PgTransactionManager", "Tx"];
        if begins && pool.contains(&of.as_str()) {
            found.push((*line, format!("{of}::{name}: begin on a Database, called db")));
        }
    }
    found
}

fn metrics_stand_in_the_catalogue(source: &Source) -> Vec<(usize, String)> {
    if source.module.starts_with(&["platform".to_owned(), "telemetry".to_owned()]) {
        return Vec::new();
    }
    let direct = source.paths.iter().filter(|(_, path)| path[0] == "metrics" && path.len() > 1);
    let direct = direct.filter(|(line, _)| !source.is_of_a_test(*line));
    direct.map(|(line, path)| (*line, format!("{}: count it by the catalogue", path.join("::")))).collect()
}

fn nothing_is_too_long(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    if source.lines > LONGEST_FILE {
        let text = format!("{} lines, and {LONGEST_FILE} is the most: split the file by verb", source.lines);
        found.push((LONGEST_FILE + 1, text));
    }
    for (line, name, length) in &source.functions {
        if *length > LONGEST_FUNCTION {
            found.push((*line, format!("fn {name} has {length} lines, and {LONGEST_FUNCTION} is the most")));
        }
    }
    found
}

/// A text that stands at `path`, and the complaints it must meet, each by line and a part of its words.
#[track_caller]
fn check(path: &str, text: &str, expected: &[(usize, &str)]) {
    let found = complaints(&Source::read(path, text));
    let met = |(line, words): &(usize, &str)| {
        found.iter().any(|complaint| complaint.starts_with(&format!("{path}:{line}: ")) && complaint.contains(words))
    };
    let complete = expected.iter().all(met) && (found.is_empty() == expected.is_empty());
    assert!(complete, "{path}\n{text}\nexpected {expected:#?}\nfound {found:#?}");
}

/// Cargo refuses circles; the list of members shows the storeys, for readers.
#[test]
fn members_lean_on_those_above_them_in_the_list() {
    let wrong = |members: &[String], manifest: &dyn Fn(&str) -> String| -> Vec<String> {
        let later = |at: usize, text: &str| {
            let dependencies = text.split_once("\n[dependencies]\n").unwrap().1.split("\n[").next().unwrap().to_owned();
            members[at..].iter().find(|later| dependencies.contains(&format!("\nloadmaster-{later}."))).cloned()
        };
        let found = members.iter().enumerate();
        found.filter_map(|(at, member)| later(at, &manifest(member)).map(|later| format!("{member} {later}"))).collect()
    };
    let members = members();
    assert!(members.len() > 20, "{members:?}");
    assert_eq!(wrong(&members, &|member| read(&format!("crates/{member}/Cargo.toml"))), [""; 0]);
    let two = ["low".to_owned(), "high".to_owned()];
    let depends = |_: &str| "\n[dependencies]\nserde.workspace = true\nloadmaster-high.workspace = true\n".to_owned();
    assert_eq!(wrong(&two, &depends), ["low high", "high high"]);
}

#[test]
fn an_app_that_knows_commands_is_reported_however_it_spells_it() {
    let up = "looks up to";
    check("src/app/mod.rs", "mod x {\n    use super::super::cli;\n}", &[(2, up)]);
    check("src/app/state.rs", "use crate::cli as below;\nfn f() { below::run(); }", &[(1, up), (2, up)]);
    check("src/app/state.rs", "fn f() { println!(\"{}\", crate::{\n    cli::A,\n    app::B}); }", &[(2, up)]);
    check("src/app/state.rs", "#[schema(value_type = crate::cli::X)]\nstruct S;", &[(1, up)]);
    check("src/cli/mod.rs", "use crate::{app, cli};\nuse loadmaster_accounts::Role;", &[]);
}

#[test]
fn a_module_of_the_platform_that_leans_on_a_higher_one_is_reported() {
    let wrong = "leans on";
    check("crates/platform/src/telemetry/metric.rs", "use crate::web::Code;", &[(1, wrong)]);
    check("crates/platform/src/web/body.rs", "use super::super::{\n    json,\n    idempotency::Key};", &[(3, wrong)]);
    check("crates/platform/src/redis/mod.rs", "use super::postgres::Database;", &[(1, wrong)]);
    check("crates/platform/src/nothing.rs", "", &[(1, "has no rank")]);
    check("crates/platform/src/web/body.rs", "use super::code;\nuse crate::{json, telemetry};", &[]);
    check("crates/platform/src/web/body.rs", "#[cfg(test)]\nmod tests {\n    use crate::work::A;\n}", &[]);
}

#[test]
fn a_platform_that_knows_the_trade_is_reported() {
    let wrong = "the platform speaks of";
    check("crates/platform/src/locks/mod.rs", "/// Of a booking.\nstruct A;", &[(1, wrong)]);
    check("crates/platform/src/locks/mod.rs", "\nfn f() { g(\"lock:flight:\"); }", &[(2, wrong)]);
    check("crates/platform/src/locks/mod.rs", "fn lock_flights() {}", &[(1, wrong)]);
    check("crates/platform/src/locks/mod.rs", "struct AirportName;", &[(1, wrong)]);
    check("crates/platform/src/locks/mod.rs", "fn f() { Vec::with_capacity(legal_flighty()); }", &[]);
    check("crates/platform/src/settings.rs", "struct Booking;", &[]);
    check("crates/platform/src/locks/mod.rs", "#[cfg(test)]\nmod tests {\n    const A: &str = \"flight\";\n}", &[]);
    check("crates/bookings/src/model.rs", "struct Booking;", &[]);
}

#[test]
fn an_app_that_knows_the_trade_is_reported() {
    let wrong = "the app speaks of";
    check("src/app/document/schemas.rs", "/// Of a booking.\nstruct A;", &[(1, wrong)]);
    check("src/app/document.rs", "\nconst A: &str = \"FlightNumber\";", &[(2, wrong)]);
    check("src/app/rooms.rs", "static A: &[&str] = &[\"flight_id\"];", &[(1, wrong)]);
    check("src/app/rooms.rs", "use loadmaster_flights::ROOM;", &[]);
    check("src/app/event_types.rs", "const A: &str = \"loadmaster.booking.booked.v1\";", &[]);
    check("src/app/in_flight.rs", "/// Requests in flight.\nstruct InFlight;", &[]);
    check("src/app/document/tests.rs", "const A: &str = \"flight\";", &[]);
    check("src/app/console.rs", "const A: &str = \"/bookings\";", &[]);
    check("src/cli/demo.rs", "struct Booking;", &[]);
}

#[test]
fn a_room_of_a_room_that_uses_one_above_it_or_enters_one_by_force_is_reported() {
    let wrong = "may not use";
    let file = "crates/accounts/src/credentials/service.rs";
    check(file, "use crate::api_keys::ApiKeyService;", &[(1, wrong)]);
    check(file, "use super::super::administration;", &[(1, wrong)]);
    check(file, "use crate::people::model::Role;", &[(1, wrong)]);
    check(file, "use crate::{error::AccountError, people::{Role, insert_in_tx}};", &[]);
    check("crates/accounts/src/room.rs", "use super::{people, api_keys::ApiKeyService};", &[]);
    check("crates/accounts/src/people/repository.rs", "fn f() { sqlx::query!(\"select 1\"); }", &[]);
}

#[test]
fn sql_outside_a_repository_is_reported() {
    let sql = "SQL outside a repository";
    let text = "async fn f() {\n    sqlx::query!(\"select 1\");\n}";
    check("crates/bookings/src/book.rs", text, &[(2, sql)]);
    check("src/cli/doctor.rs", text, &[(2, sql)]);
    check("crates/bookings/src/repository/read.rs", text, &[]);
    check("crates/flights/src/repository.rs", text, &[]);
    check("crates/platform/src/outbox.rs", text, &[]);
    let service = "crates/flights/src/service.rs";
    check(service, "use sqlx::{PgConnection, QueryBuilder};", &[(1, "sqlx::QueryBuilder")]);
    check(service, "fn f() { sqlx::raw_sql(\"set x\"); }", &[(1, sql)]);
    check(service, "use sqlx as db;\nfn f() { db::query_scalar(\"select 1\"); }", &[(2, sql)]);
    check(
        service,
        "fn f() {\n    query_as!(Row, \"select 1\");\n    select_bookings!(\"\");\n}",
        &[(2, sql), (3, sql)],
    );
    check(service, "fn f() { outer!(sqlx::query(\"select 1\")); }", &[(1, sql)]);
    check(service, "use sqlx::Executor;", &[(1, sql)]);
    check(service, "use sqlx::{Error, PgConnection};\nfn f(query: Query) { query.read(); }", &[]);
}

#[test]
fn axum_outside_a_router_is_reported() {
    let text = "use axum::Json;";
    for file in ["service.rs", "model.rs", "repository.rs", "repository/read.rs", "book.rs", "dto.rs"] {
        check(&format!("crates/bookings/src/{file}"), text, &[(1, "axum::Json outside a router")]);
    }
    check("crates/capacity/src/service.rs", "fn f() -> axum::http::StatusCode { todo() }", &[(1, "outside a router")]);
    check("crates/bookings/src/router/read.rs", text, &[]);
    check("crates/accounts/src/people/caller.rs", text, &[]);
    check("crates/platform/src/web/body.rs", text, &[]);
}

#[test]
fn a_model_that_waits_is_reported() {
    let waits = "a model is pure";
    check("crates/bookings/src/model.rs", "\nasync fn f() {}", &[(2, waits)]);
    check("crates/search/src/model.rs", "impl A {\n    pub async fn f(&self) {}\n}", &[(2, waits)]);
    check("crates/search/src/model.rs", "fn f() {\n    async { 1 };\n    g.await;\n}", &[(2, waits), (3, waits)]);
    check("crates/search/src/model.rs", "trait T {\n    async fn f();\n}", &[(2, waits)]);
    check("crates/search/src/model.rs", "fn f() { g(async |x| x); }", &[(1, waits)]);
    check("crates/search/src/model.rs", "fn f() { m!(async { 1 }); }", &[(1, waits)]);
    check("crates/search/src/service.rs", "async fn f() {}", &[]);
}

#[test]
fn a_transaction_begun_elsewhere_is_reported() {
    let begin = "begin on a Database";
    let service = "crates/bookings/src/book.rs";
    check(service, "async fn f() {\n    self.pool.begin().await;\n}", &[(2, "pool.begin()")]);
    check(service, "fn f() { self.db.pool().begin(); }", &[(1, "pool.begin()")]);
    check(service, "fn f() { state().begin(); }", &[(1, "state.begin()")]);
    check(service, "fn f() { sqlx::Pool::begin(&p); }", &[(1, begin)]);
    check(service, "fn f() { PgPool::try_begin(&p); }", &[(1, begin)]);
    check(service, "fn f() { p.begin_with(\"begin\"); }", &[(1, begin)]);
    check(service, "fn f() { PgTransactionManager::begin(&mut c, None); }", &[(1, begin)]);
    check("src/cli/migrate.rs", "fn f() { tokio::select! { tx = pool.begin() => 1 } }", &[(1, begin)]);
    check("crates/platform/src/secrets.rs", "fn f() { connection.begin(); }", &[(1, begin)]);
    check(service, "fn f() { self.db.begin(); db.begin(); Progress::begin(\"x\"); m!(db.begin()); }", &[]);
    check("crates/platform/src/postgres.rs", "fn f() { pool.begin(); }", &[]);
}

#[test]
fn a_metric_beside_the_catalogue_is_reported() {
    let beside = "count it by the catalogue";
    let file = "crates/bookings/src/book.rs";
    check(file, "fn f() {\n    metrics::counter!(\"a\").increment(1);\n}", &[(2, beside)]);
    check(file, "use metrics::gauge;\nfn f() {\n    gauge!(\"a\").set(1);\n}", &[(1, beside)]);
    check(file, "use metrics as m;\nfn f() {\n    m::histogram!(\"a\").record(1.0);\n}", &[(3, beside)]);
    check(
        file,
        "use loadmaster_platform::telemetry::metric;\nfn f() { metric::BOOKINGS.with([\"a\"]).increment(1); }",
        &[],
    );
    check("crates/platform/src/telemetry/family.rs", "fn f() { metrics::counter!(\"a\"); }", &[]);
}

/// The names by which code calls the metrics of a catalogue.
fn metrics_in(catalogue: &str) -> Vec<&str> {
    let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let kinds = [": Counter \"", ": Gauge \"", ": Histogram \""];
    let entries = catalogue.lines().filter_map(|line| kinds.iter().find_map(|kind| line.split_once(kind)));
    entries.map(|(name, _)| name.trim()).filter(is_name).collect()
}

fn uncounted_metrics(house: &[Source]) -> Vec<String> {
    let catalogues = house.iter().filter(|source| source.path.ends_with("/metric.rs"));
    // Each metric that a path leads to, with the files of such paths.
    let mut counted = BTreeMap::<&str, BTreeSet<&str>>::new();
    for source in house {
        for (_, path) in &source.paths {
            if let [.., catalogue, metric] = path.as_slice()
                && catalogue == "metric"
            {
                counted.entry(metric).or_default().insert(&source.path);
            }
        }
    }
    let (mut count, mut found) = (0, Vec::new());
    for catalogue in catalogues {
        let text = std::fs::read_to_string(format!("{}/{}", env!("CARGO_MANIFEST_DIR"), catalogue.path)).unwrap();
        for metric in metrics_in(&text) {
            count += 1;
            let is_counted = counted.get(metric).is_some_and(|files| files.iter().any(|file| *file != catalogue.path));
            if !is_counted {
                found.push(format!("{}: nobody counts {metric}", catalogue.path));
            }
        }
    }
    assert!(count > 40, "{count}");
    found
}

#[test]
fn files_and_functions_that_are_too_long_are_reported() {
    let filler = |lines: usize| "    g();\n".repeat(lines);
    let function = |lines| format!("\nfn f() {{\n{}}}\n", filler(lines));
    check("crates/kernel/src/awb.rs", &function(60), &[]);
    check("crates/kernel/src/awb.rs", &function(61), &[(2, "fn f has 61 lines")]);
    check("crates/kernel/src/awb.rs", &format!("impl A {{{}}}", function(61)), &[(2, "fn f has 61 lines")]);
    check("crates/kernel/src/awb.rs", &"//\n".repeat(450), &[]);
    check("crates/kernel/src/awb.rs", &"//\n".repeat(451), &[(451, "451 lines")]);
}
