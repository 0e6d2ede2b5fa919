//! Settings that are valid individually but contradict each other.
use super::Settings;

/// The part of a shutdown, in percent of what is left after the drain, within which requests under way are answered.
pub const FOR_REQUESTS: u64 = 50;

impl Settings {
    /// Returns one sentence for each wait that ends later than its enclosing wait, for a warning at the start.
    pub fn contradictions(&self) -> Vec<String> {
        let (server, locks) = (&self.server, &self.locks);
        let mut found = Vec::new();
        let mut check = |name: &str, waits: u64, instead: &str| {
            let time = server.request_timeout_ms;
            if waits >= time {
                found.push(format!(
                    "{name} amounts to {waits} ms, but server.request_timeout_ms is {time} ms: callers receive 504 instead of {instead}"
                ));
            }
        };
        check("locks.attempts × locks.delay_ms", u64::from(locks.attempts).saturating_mul(locks.delay_ms), "409");
        check("payments.wait_ms", self.payments.wait_ms, "202");
        check("database.acquire_timeout_ms", self.database.acquire_timeout_ms, "503");
        let for_requests = (server.shutdown_ms.saturating_sub(server.drain_ms)).saturating_mul(FOR_REQUESTS) / 100;
        if for_requests < server.request_timeout_ms {
            found.push(format!(
                "a shutdown leaves requests {for_requests} ms ({FOR_REQUESTS} % of server.shutdown_ms after \
                 server.drain_ms), less than server.request_timeout_ms: some requests may be aborted"
            ));
        }
        found
    }
}
