//! The result, as text and as JSON.
use std::{collections::BTreeMap, fmt::Write, path::PathBuf};

use serde_json::{Value, json};

use super::{
    answers::Answers,
    check::{Checked, Tally},
    consolidators::Consolidated,
    evidence::{Breach, Counter, OutcomeCounts, Promise},
    hooks::Arrived,
    injector::Injected,
    payers::{Fees, Paid},
};

pub(super) struct Report {
    pub seed: u64,
    pub clients: u64,
    pub instances: usize,
    /// Whether the servers were private, and the faults ours.
    pub own: bool,
    pub seconds: f64,
    pub calls: u64,
    pub outcomes: BTreeMap<&'static str, OutcomeCounts>,
    pub counters: BTreeMap<Counter, u64>,
    pub injected: Vec<Injected>,
    /// The chosen faults that cannot be made here.
    pub left_out: Vec<&'static str>,
    /// The limit for the recovery from each of them.
    pub recovery_seconds: u64,
    pub answers: Answers,
    pub longest_outage_ms: u64,
    pub checked: Checked,
    /// `None`: nobody paid.
    pub paid: Option<Paid>,
    pub consolidated: Consolidated,
    /// `None`: there were no webhooks.
    pub arrived: Option<Arrived>,
    pub audit: Option<Value>,
    pub breaches: Vec<Breach>,
    pub history: Option<PathBuf>,
    pub caveats: Vec<String>,
}

impl Report {
    pub fn is_clean(&self) -> bool {
        self.breaches.is_empty()
    }

    fn counter(&self, which: Counter) -> u64 {
        self.counters.get(&which).copied().unwrap_or_default()
    }

    fn per_second(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "for people to read")]
        let calls = self.calls as f64;
        (calls / self.seconds.max(0.001)).round()
    }

    fn longest_recovery(&self) -> Option<u64> {
        self.injected.iter().filter_map(|injected| injected.recovery_ms).max()
    }

    fn lost(&self) -> usize {
        self.breaches.iter().filter(|breach| breach.promise == Promise::NothingLost).count()
    }

    pub fn to_json(&self) -> Value {
        let outcomes = self.outcomes.iter().map(|(kind, outcomes)| {
            (*kind, json!({"ok": outcomes.ok, "refused": outcomes.refused, "unknown": outcomes.unknown}))
        });
        let breaches = self.breaches.iter().map(|breach| {
            let (number, promise) = breach.promise.number_and_text();
            json!({"invariant": number, "promise": promise, "what": breach.what})
        });
        json!({
            "outcome": if self.is_clean() { "clean" } else { "breach" },
            "seed": self.seed, "clients": self.clients, "instances": self.instances, "own_servers": self.own,
            "seconds": self.seconds, "calls": self.calls, "calls_per_second": self.per_second(),
            "outcomes": outcomes.collect::<BTreeMap<_, _>>(),
            "duplicates": {
                "replayed": self.counter(Counter::Replayed), "refused_while_running": self.counter(Counter::InProgress),
                "refused_as_reused": self.counter(Counter::KeyReused),
            },
            "hang_ups": self.counter(Counter::HangUps),
            "unknown": {
                "found_done": self.counter(Counter::UnknownDone), "found_refused": self.counter(Counter::UnknownRefused),
                "without_key": self.counter(Counter::UnknownForGood),
            },
            "answers_5xx": self.answers, "recovery_seconds": self.recovery_seconds,
            "longest_recovery_ms": self.longest_recovery(), "faults_left_out": self.left_out,
            "faults": self.injected, "longest_outage_ms": self.longest_outage_ms,
            "checked": self.checked, "payments": self.paid, "consolidations": self.consolidated, "webhooks": self.arrived,
            "lost": self.lost(), "audit": self.audit, "breaches": breaches.collect::<Vec<_>>(), "history": self.history,
            "caveats": self.caveats,
        })
    }

    pub fn to_text(&self) -> String {
        let mut text = String::new();
        _ = self.write_load(&mut text);
        _ = self.write_faults(&mut text);
        _ = self.write_outcome(&mut text);
        text
    }

    fn write_load(&self, text: &mut String) -> std::fmt::Result {
        let Self { seed, clients, instances, seconds, calls, .. } = self;
        let rate = self.per_second();
        writeln!(
            text,
            "\nSeed {seed}: {clients} clients, {instances} servers, {seconds:.0} s, {calls} calls, {rate} per second\n"
        )?;
        writeln!(text, "  {:<18} {:>9} {:>9} {:>9}", "call", "ok", "refused", "unknown")?;
        for (kind, OutcomeCounts { ok, refused, unknown }) in &self.outcomes {
            writeln!(text, "  {kind:<18} {ok:>9} {refused:>9} {unknown:>9}")?;
        }
        writeln!(
            text,
            "\n  duplicates  {} replayed, {} refused while the first was in progress, {} reused keys refused",
            self.counter(Counter::Replayed),
            self.counter(Counter::InProgress),
            self.counter(Counter::KeyReused)
        )?;
        writeln!(
            text,
            "  unknown     {} found done, {} found refused, {} without a key; {} hang-ups",
            self.counter(Counter::UnknownDone),
            self.counter(Counter::UnknownRefused),
            self.counter(Counter::UnknownForGood),
            self.counter(Counter::HangUps)
        )
    }

    fn write_faults(&self, text: &mut String) -> std::fmt::Result {
        if !self.own {
            writeln!(text, "\n  No faults were injected: inject your own during the run.")?;
        } else if !self.injected.is_empty() {
            let [server, began, ended, recovery, outage] = ["server", "began", "ended", "recovery", "outage"];
            writeln!(text, "\n  fault          {server:>6} {began:>10} {ended:>10} {recovery:>11} {outage:>11}")?;
        }
        for injected in &self.injected {
            let server = injected.server.map_or("–".to_owned(), |number| number.to_string());
            let late = injected.recovery_ms.is_some_and(|time| time > self.recovery_seconds * 1000);
            let sign = if late { "! " } else { "" };
            let recovery = injected.recovery_ms.map_or("never".to_owned(), |time| format!("{sign}{time} ms"));
            let (began, ended) = (format!("{:.1} s", injected.began_s), format!("{:.1} s", injected.ended_s));
            let outage = format!("{} ms", injected.outage_ms);
            let fault = injected.fault;
            writeln!(text, "  {fault:<14} {server:>6} {began:>10} {ended:>10} {recovery:>11} {outage:>11}")?;
        }
        writeln!(text, "\n  longest time without an acknowledged booking: {} ms", self.longest_outage_ms)?;
        if let Some(longest) = self.longest_recovery() {
            writeln!(text, "  recovery    longest {longest} ms, limit {} s", self.recovery_seconds)?;
        }
        let Answers { internal, during_faults, between_faults, unfinished_flights } = self.answers;
        let when =
            if self.own { format!("during faults, {between_faults} at other times") } else { "in total".to_owned() };
        writeln!(
            text,
            "  responses   {internal} times 500; 503 or 504 {during_faults} times {when}, {unfinished_flights} for flights \
             whose bookings still followed"
        )
    }

    fn write_outcome(&self, text: &mut String) -> std::fmt::Result {
        let Checked { bookings, events, flights, acknowledged, refused, unknown, holds } = self.checked;
        writeln!(
            text,
            "  checked     {bookings} bookings with {events} events, {flights} flights; {acknowledged} acknowledged, {refused} \
             refused, {unknown} unknown changes"
        )?;
        let Tally { made, committed, released, expired, .. } = holds;
        let Tally { waitlist_entries, over_flights, offers, offers_booked, offers_declined, entries_expired, .. } =
            holds;
        writeln!(text, "  holds       {made} made: {committed} committed, {released} released, {expired} expired")?;
        writeln!(
            text,
            "  waitlist    {waitlist_entries} entries, {over_flights} of them over several flights; {offers} offers made: \
             {offers_booked} booked, {offers_declined} declined; {entries_expired} entries expired"
        )?;
        if let Some(Paid { commits, booked, declined, others, fees }) = self.paid {
            writeln!(
                text,
                "  payments    {commits} commits by token: {booked} booked, {declined} declined, {others} refused or not decided in time"
            )?;
            let Fees { orders, refused, cancelled, changes, with_fee, unknown } = fees;
            writeln!(
                text,
                "  fees        {orders} paid orders, {refused} refused; {cancelled} cancelled after {changes} changes, {with_fee} of them \
                 for a fee; of {unknown} the fee is not known"
            )?;
        }
        let Consolidated { requests, held, refused, booked, cancelled, left } = self.consolidated;
        writeln!(
            text,
            "  together    {requests} consolidations: {held} held, {refused} refused, {cancelled} cancelled; {booked} masters \
             booked, {left} holds left to expire"
        )?;
        if let Some(Arrived { webhooks, messages, requests, refused }) = self.arrived {
            writeln!(
                text,
                "  webhooks    {messages} messages have arrived at {webhooks} webhooks by {requests} requests, of which {refused} were refused"
            )?;
        }
        let audit = if self.audit.is_some() { "run" } else { "not run" };
        writeln!(text, "  audit       {audit}")?;
        writeln!(
            text,
            "  lost        {}",
            if self.lost() == 0 { "nothing".to_owned() } else { self.lost().to_string() }
        )?;
        for caveat in &self.caveats {
            writeln!(text, "  caveat      {caveat}")?;
        }
        for breach in &self.breaches {
            let (number, promise) = breach.promise.number_and_text();
            let number = number.map_or("a promise".to_owned(), |number| format!("invariant {number}"));
            writeln!(text, "\nBREACH of {number} ({promise}):\n  {}", breach.what)?;
        }
        if let Some(history) = &self.history {
            writeln!(text, "\nThe history is in {}.", history.display())?;
        }
        let verdict = if self.is_clean() { "Clean: every promise was kept." } else { "BREACH: see above." };
        writeln!(text, "\n{verdict}")
    }
}
