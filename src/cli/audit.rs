use std::{fmt::Write, process::ExitCode};

use clap::Args;
use loadmaster_bookings::BOOKING;
use loadmaster_capacity::FLIGHT;
use loadmaster_kernel::{BookingRef, FlightId};
use loadmaster_platform::{
    clock::{Clock, SystemClock},
    settings::Settings,
};
use serde_json::{Value, json};

use super::{
    backend::Backend,
    output::{Progress, say},
};

use crate::app::{AuditOptions, AuditReport, Check, Subject, audit};

/// Exit status when the audit could not be completed; 1 reports that the books are wrong.
pub(super) const COULD_NOT_RUN: u8 = 2;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Print the result as one JSON document.
    #[arg(long)]
    json: bool,
    /// Audit only this flight and the bookings that are or were on it.
    #[arg(long, value_name = "ID", conflicts_with = "booking")]
    flight: Option<FlightId>,
    /// Audit only this booking.
    #[arg(long, value_name = "REF")]
    booking: Option<BookingRef>,
    /// Also rebuild bookings and flights from events and ledgers alone, and compare them with the tables.
    #[arg(long)]
    rebuild: bool,
}

/// Proves from ledgers and events that the books are right, or reports each violation; exit 1 if there is any.
pub(super) async fn run(settings: Settings, options: Options) -> anyhow::Result<ExitCode> {
    let backend = Backend::attach(settings).await?;
    let outcome = look(&backend, &options).await;
    backend.stop().await?;
    let report = outcome?;
    say(&if options.json { format!("{:#}\n", document(&options, &report)) } else { text(&report) });
    Ok(if report.breaches() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn look(backend: &Backend, options: &Options) -> anyhow::Result<AuditReport> {
    let mut snapshot = backend.snapshot().await?;
    let subject = match (options.flight, &options.booking) {
        (Some(flight), _) => Some(Subject { kind: FLIGHT, name: flight.to_string() }),
        (None, Some(reference)) => Some(Subject { kind: BOOKING, name: reference.to_string() }),
        (None, None) => None,
    };
    let messages_since = Some(SystemClock.now() - backend.settings.outbox.certainty());
    let wanted = AuditOptions { subject, rebuild: options.rebuild, messages_since, now: None };
    let progress = Progress::on_terminal("Auditing");
    let watch = |what: &'static str, count: u64| {
        let count = if count == 0 { String::new() } else { format!("{count} ") };
        progress.show(format!("Auditing: {count}{what}"));
    };
    let report = audit(&mut snapshot, &wanted, &watch).await;
    drop(progress);
    // A statement that is still running ends with its session.
    snapshot.close().await;
    Ok(report?)
}

fn document(options: &Options, report: &AuditReport) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "as_of": report.as_of,
        "flight_id": options.flight,
        "ref_id": options.booking,
        "clean": report.breaches() == 0,
        "breaches": report.breaches(),
        "checks": report.checks,
    })
}

fn text(report: &AuditReport) -> String {
    let mut text: String = report.checks.iter().map(lines).collect();
    let verdict = match report.breaches() {
        0 => "clean".to_owned(),
        1 => "1 breach".to_owned(),
        breaches => format!("{breaches} breaches"),
    };
    let as_of = report.as_of.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    _ = writeln!(text, "Audited as of {as_of}: {verdict}.");
    text
}

/// Formats the outcome of a rule as a line, followed by one line for each listed violation.
fn lines(check: &Check) -> String {
    let number = check.rule.number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let Some(findings) = &check.findings else {
        return format!("{number}  {:<46}  not checked: beyond what was named\n", check.rule.name);
    };
    let checked: Vec<String> = findings.checked.iter().map(|(what, count)| format!("{count} {what}")).collect();
    let verdict = match findings.breaches {
        0 => "OK".to_owned(),
        breaches => format!("BREACH ({breaches})"),
    };
    let mut lines = format!("{number}  {:<46}  {:<10}  {}\n", check.rule.name, verdict, checked.join(", "));
    for breach in &findings.shown {
        _ = writeln!(lines, "     {breach}");
    }
    let shown = u64::try_from(findings.shown.len()).unwrap_or_default();
    if findings.breaches > shown {
        _ = writeln!(lines, "     … and {} more", findings.breaches - shown);
    }
    lines
}
