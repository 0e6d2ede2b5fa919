//! The rows of the table, and how each is measured.
use std::{path::Path, sync::Arc, time::Duration};

use crate::{
    callers::{Booker, Day, Mover, References, authorized, reference, show, with},
    common::{
        bare::Bare,
        load::{self, Client, Cycle, Load, find, play},
        network::{self, get},
        processes::Cpu,
        site::Site,
    },
    doors,
    pgbench::{Pgbench, Script},
    sizes,
};

/// What browsers send.
const BROWSER: &str = "Accept-Encoding: gzip, deflate, br, zstd";
/// Bookings that are read.
const SHOWN: usize = 2000;

pub type Requests = Arc<Vec<Vec<u8>>>;

pub enum What {
    /// Bookings, in turn on each of these flights.
    Create(Requests),
    /// The steps of bookings made before.
    Status,
    /// These requests in turn, with what the answers must contain and their status.
    Ask(Requests, Requests, u16),
    Day,
}

pub enum Against {
    Pgbench(Script, usize),
    Bare(Box<Bare>),
    Nothing,
}

pub struct Contest {
    pub name: &'static str,
    pub clients: usize,
    pub what: What,
    pub against: Against,
    pub goal: Option<f64>,
    pub ours: Vec<Load>,
    /// Answers, transactions or queries per second, by round.
    pub theirs: Vec<f64>,
    pub cpu: Cpu,
    /// Seconds of the server's processor time, by round.
    server: Vec<f64>,
}

impl Contest {
    pub fn new(name: &'static str, clients: usize, what: What, against: Against, goal: Option<f64>) -> Self {
        let (ours, theirs, server) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, clients, what, against, goal, ours, theirs, cpu: Cpu::default(), server }
    }

    /// Seconds of the server's processor time for an answer, by round.
    fn spent(&self) -> impl Iterator<Item = f64> {
        self.server.iter().zip(&self.ours).map(|(spent, load)| spent / load.answers.max(1) as f64)
    }

    /// Returns a figure of each round as a multiple of that of another contest in the same round.
    pub fn ratios(&self, to: &Self, figure: impl Fn(&Load) -> f64) -> Vec<f64> {
        self.ours.iter().zip(&to.ours).map(|(own, other)| figure(own) / figure(other)).collect()
    }

    /// The same of the server's processor time for an answer.
    pub fn ratios_spent(&self, to: &Self) -> Vec<f64> {
        self.spent().zip(to.spent()).map(|(own, other)| own / other).collect()
    }
}

pub struct Bench<'a> {
    site: &'a Site,
    pub contests: Vec<Contest>,
    /// Of pgbench on one row, by round: the best over some numbers of clients.
    pub best_hot: Vec<f64>,
    pgbench: Pgbench,
    spread: Requests,
    searches: Requests,
    completions: Requests,
    made: References,
    time: Duration,
}

fn all_contain(what: &str) -> Requests {
    Arc::new(vec![what.as_bytes().to_vec()])
}

impl<'a> Bench<'a> {
    pub async fn prepare(site: &'a Site, directory: &Path, only: &str, time: Duration) -> Self {
        let pgbench = Pgbench::prepare(site, directory).await;
        let spread = Arc::new(network::orders(site).await);
        let hot = Arc::new(vec![spread[0].clone()]);
        let made = References::default();
        let references = bookings(site, &spread, &made).await;
        let shown = Arc::new(references.iter().map(|reference| show(&site.token, reference)).collect::<Vec<_>>());
        let contained = references.iter().map(|reference| format!("\"ref_id\":\"{reference}\"").into_bytes());
        let contained = Arc::new(contained.collect::<Vec<_>>());
        let searches = Arc::new(network::rankings());
        let some: Vec<_> = searches.iter().map(|search| limited(search)).collect();
        let completions = Arc::new(network::completions());
        let hold = Arc::new(vec![network::hold(site).await]);
        let ask = What::Ask(hold, all_contain("\"status\":\"ACTIVE\""), 201);
        let mut contests = vec![
            Contest::new("create, spread", 64, What::Create(spread.clone()), spread_ceiling(), Some(1.0)),
            Contest::new("create, one flight", 1, What::Create(hot.clone()), hot_ceiling(1), None),
            Contest::new("create, one flight", 16, What::Create(hot.clone()), hot_ceiling(16), None),
            Contest::new("create, one flight", 64, What::Create(hot.clone()), hot_ceiling(64), Some(10.0)),
            Contest::new("hold, one flight", 64, ask, Against::Nothing, None),
            Contest::new("create, one flight", 256, What::Create(hot), hot_ceiling(64), None),
            Contest::new("status change", 64, What::Status, spread_ceiling(), Some(0.7)),
        ];
        let get = || What::Ask(shown.clone(), contained.clone(), 200);
        contests.push(Contest::new("get", 32, get(), Against::Pgbench(Script::Select, 32), Some(0.35)));
        contests.push(Contest::new("get", 64, get(), Against::Nothing, None));
        for (name, requests, contains, status, goal) in [
            ("cached search", some.clone(), "\"route_type\"", 200, Some(0.5)),
            ("cached search, 40 options", searches.to_vec(), "\"route_type\"", 200, None),
            (
                "cached search, as browsers ask",
                some.iter().map(|one| with(one.clone(), BROWSER)).collect(),
                "",
                200,
                None,
            ),
            ("autocomplete", completions.to_vec(), "[", 200, Some(0.5)),
            ("unknown path", vec![get_unknown(&site.token)], "not_found", 404, None),
        ] {
            let bare = Bare::start(&site.directory, name, warm(site, &requests, status).await).await;
            let what = || What::Ask(Arc::new(requests.clone()), all_contain(contains), status);
            contests.push(Contest::new(name, 32, what(), Against::Bare(Box::new(bare)), goal));
            if matches!(name, "cached search" | "autocomplete") {
                contests.push(Contest::new(name, 64, what(), Against::Nothing, None));
                contests.push(Contest::new(name, 1, what(), Against::Nothing, None));
            }
        }
        contests.push(Contest::new("create, spread", 1, What::Create(spread.clone()), Against::Nothing, None));
        contests.push(Contest::new("status change", 1, What::Status, Against::Nothing, None));
        contests.push(Contest::new("get", 1, get(), Against::Nothing, None));
        contests.push(Contest::new("mixed day", 16, What::Day, Against::Nothing, None));
        let words: Vec<&str> = only.split(',').collect();
        let is_chosen = |contest: &Contest| words.iter().any(|word| contest.name.contains(word));
        let are_chosen = |names: &[&str]| names.iter().any(|name| words.iter().any(|word| name.contains(word)));
        if are_chosen(&sizes::NAMES) {
            contests.extend(sizes::contests(site).await);
        }
        if are_chosen(&doors::NAMES) {
            contests.extend(doors::contests(site, &references, &shown, &contained).await);
        }
        contests.retain(is_chosen);
        Self { site, contests, best_hot: Vec::new(), pgbench, spread, searches, completions, made, time }
    }

    /// Returns the contest of this name, if it was chosen.
    pub fn contest(&self, name: &str) -> Option<&Contest> {
        self.contests.iter().find(|contest| contest.name == name)
    }

    /// Measures each row once, and beside it what it is compared with.
    pub async fn round(&mut self) {
        if self.contests.iter().any(|contest| contest.name == "create, one flight") {
            let mut best = 0.0_f64;
            for clients in [1, 4, 16, 64] {
                best = best.max(self.pgbench.run(Script::Hot, clients, self.time).await);
            }
            self.best_hot.push(best);
        }
        let mut rows: Vec<usize> = (0..self.contests.len()).collect();
        if self.contests.first().is_some_and(|contest| !contest.ours.len().is_multiple_of(2)) {
            // Of rows that are compared with each other, neither always comes first.
            rows.reverse();
        }
        for row in rows {
            let theirs = match &self.contests[row].against {
                Against::Pgbench(script, clients) => Some(self.pgbench.run(*script, *clients, self.time).await),
                Against::Bare(bare) => {
                    Some(load::run(bare.address, &[get("/bare")], 200, 32, self.time).await.per_second())
                }
                Against::Nothing => None,
            };
            self.contests[row].theirs.extend(theirs);
            self.measure(row).await;
        }
    }

    /// Loads the server once, as this row says.
    pub async fn measure(&mut self, row: usize) {
        let contest = &self.contests[row];
        self.refill(contest).await;
        let before = Cpu::now();
        let load = self.load(contest, self.time).await;
        let spent = Cpu::now() - before;
        let contest = &mut self.contests[row];
        contest.cpu += spent;
        contest.server.push(spent.server);
        contest.ours.push(load);
    }

    /// Makes bookings to be moved, where too few have been made.
    async fn refill(&self, contest: &Contest) {
        while matches!(contest.what, What::Status) && self.made.len() < 4000 * self.time.as_secs().max(1) as usize {
            self.load(&Contest::new("", 64, What::Create(self.spread.clone()), Against::Nothing, None), self.time)
                .await;
        }
    }

    pub async fn load(&self, contest: &Contest, time: Duration) -> Load {
        let clients = contest.clients;
        let place = |number: usize| number as f64 / clients as f64;
        match &contest.what {
            What::Create(orders) => {
                let booker = |number| {
                    let at = (orders.len() as f64 * place(number)) as usize;
                    Booker { orders: orders.clone(), at, made: self.made.clone() }
                };
                play(self.site.here, (0..clients).map(booker), time).await
            }
            What::Status => play(self.site.here, (0..clients).map(|_| Mover::new(self.site, &self.made)), time).await,
            What::Ask(requests, contains, status) => {
                let asker = |number| Cycle::new(requests, contains, *status, place(number));
                play(self.site.here, (0..clients).map(asker), time).await
            }
            What::Day => {
                let day = |number| {
                    let at = (self.spread.len() as f64 * place(number)) as usize;
                    Day::new(&self.site.token, &self.spread, &self.searches, &self.completions, at)
                };
                play(self.site.here, (0..clients).map(day), time).await
            }
        }
    }
}

fn spread_ceiling() -> Against {
    Against::Pgbench(Script::Spread, 16)
}

fn hot_ceiling(clients: usize) -> Against {
    Against::Pgbench(Script::Hot, clients)
}

fn get_unknown(token: &str) -> Vec<u8> {
    authorized("/api/v1/nothing/here", token)
}

/// The same search, of which the first twenty options are wanted.
fn limited(search: &[u8]) -> Vec<u8> {
    String::from_utf8(search.to_vec()).unwrap().replacen(" HTTP/1.1", "&limit=20 HTTP/1.1", 1).into_bytes()
}

/// Asks each once, so that what can be kept is kept from now on; returns the mean size of the answers.
async fn warm(site: &Site, requests: &[Vec<u8>], status: u16) -> usize {
    let mut client = Client::connect(site.here).await;
    let mut bytes = 0;
    for request in requests {
        let (answered, body) = client.ask(request).await;
        assert_eq!(answered, status);
        bytes += body.len();
        let wants_coding = find(request, BROWSER.as_bytes()).is_some();
        assert_eq!(client.head().contains("content-encoding: "), wants_coding);
    }
    bytes / requests.len()
}

/// Makes the bookings that are read, and returns their references.
async fn bookings(site: &Site, orders: &[Vec<u8>], made: &References) -> Vec<String> {
    let mut client = Client::connect(site.here).await;
    let mut references = Vec::new();
    for number in 0..SHOWN {
        let (status, body) = client.ask(&orders[number % orders.len()]).await;
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(body));
        references.push(reference(body));
    }
    assert_eq!(made.len(), 0, "those that are read stay as they are");
    references
}
