//! Kinds of searches that are compared: each has its turn on a day of its own.
use std::time::Instant;

use serde_json::{Value, json};

use crate::common::{load::Client, processes::Cpu, site::Site};

/// What the searches of a kind have found, and what they cost.
#[derive(Default)]
pub struct Found {
    times: Vec<f64>,
    options: usize,
    /// Searches whose routes were cached all the same.
    hits: usize,
    /// Seconds of processor time of all servers, by turn.
    pub spent: Vec<f64>,
}

/// Asks the questions of each kind for a day of the month, so often by turns. Each answer has options, which are counted.
pub async fn compared<const KINDS: usize>(
    site: &Site,
    turns: usize,
    questions: impl Fn(usize, usize) -> Vec<Vec<u8>>,
    options: impl Fn(&Value) -> usize,
) -> [Found; KINDS] {
    let mut client = Client::connect(site.here).await;
    let mut found: [Found; KINDS] = std::array::from_fn(|_| Found::default());
    for turn in 0..turns {
        for at in 0..KINDS {
            // None always comes first.
            let kind = (at + turn) % KINDS;
            let (found, before) = (&mut found[kind], Cpu::now());
            for question in questions(kind, turn * KINDS + kind + 1) {
                let began = Instant::now();
                let (status, body) = client.ask(&question).await;
                found.times.push(began.elapsed().as_secs_f64() * 1000.0);
                assert_eq!(status, 200, "{}: {}", String::from_utf8_lossy(&question), String::from_utf8_lossy(body));
                found.options += options(&serde_json::from_slice(body).unwrap());
                found.hits += usize::from(client.head().contains("cache-status: loadmaster; hit"));
            }
            let spent = Cpu::now() - before;
            found.spent.push(spent.server + spent.postgres + spent.redis);
        }
    }
    assert!(found.iter().all(|kind| kind.options > 0), "no search has found an option");
    found
}

impl Found {
    pub fn figures(self) -> Value {
        let (searches, spent) = (self.times.len() as f64, self.spent.iter().sum::<f64>());
        let mut figures = quantiles(self.times);
        figures["processor_ms"] = json!(rounded(spent * 1000.0 / searches));
        figures["options"] = json!(rounded(self.options as f64 / searches));
        figures["hits"] = json!(self.hits);
        figures
    }
}

/// Returns the quantiles of times.
pub fn quantiles(mut times: Vec<f64>) -> Value {
    times.sort_by(f64::total_cmp);
    let quantile = |part: f64| rounded(times[(times.len() as f64 * part) as usize]);
    json!({"p50_ms": quantile(0.5), "p99_ms": quantile(0.99), "slowest_ms": quantile(0.9999)})
}

pub fn rounded(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}
