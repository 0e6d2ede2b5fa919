//! The letters that the demo makes, where the server keeps them in its mailbox.
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    super::output::say,
    Cast,
    caller::{Caller, text},
    step,
};

const MAILBOX: &str = "/api/v1/admin/mailbox";
/// Longest wait for a letter: a new server first passes the thousands of messages about its demo flights, and what one
/// flight causes is collected for some time.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(200);

/// The notification that the demo causes last. Messages are passed in order: once it is there, all earlier ones are.
pub(super) struct Last {
    /// The booking that it is about; `None` for a letter about the account.
    pub reference: Option<String>,
    pub kind: &'static str,
    /// Number of notifications of this type about this booking.
    pub count: usize,
}

impl Last {
    pub const fn about(reference: String, kind: &'static str) -> Self {
        Self { reference: Some(reference), kind, count: 1 }
    }

    fn is_among(&self, own: &[Value]) -> bool {
        let is_it = |one: &&Value| {
            text(one, "type") == self.kind && self.reference.as_ref().is_none_or(|it| text(one, "ref_id") == *it)
        };
        own.iter().filter(is_it).count() >= self.count
    }
}

/// Returns the letters in the mailbox, newest first; `None` if the server keeps none, or not for this caller.
async fn mailbox(staff: &Caller) -> anyhow::Result<Option<Vec<Value>>> {
    match staff.ask(Method::GET, &format!("{MAILBOX}?limit=100"), None).await? {
        (StatusCode::OK, Value::Array(letters)) => Ok(Some(letters)),
        (StatusCode::NOT_FOUND | StatusCode::FORBIDDEN, _) => Ok(None),
        (status, answer) => bail!("GET {MAILBOX} answered {status}: {}", text(&answer, "detail")),
    }
}

/// Waits until the last notification of the shipper is written and none waits to be sent, and returns whether that is so.
async fn settle(shipper: &Caller, last: &Last) -> anyhow::Result<bool> {
    let began = Instant::now();
    loop {
        let own = shipper.get("/api/v1/notifications?limit=100").await?;
        let own = own.as_array().map_or(&[][..], Vec::as_slice);
        if last.is_among(own) && !own.iter().any(waits) {
            return Ok(true);
        }
        if began.elapsed() > PATIENCE {
            return Ok(false);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Verifies the address of a shipper by the link in the letter that its registration sends, and returns whether that could be
/// done: what is not verified is not written to.
pub(super) async fn verify(staff: &Caller, shipper: &Caller) -> anyhow::Result<bool> {
    if mailbox(staff).await?.is_none() {
        return Ok(false);
    }
    let address = text(&shipper.get("/api/v1/auth/me").await?, "email");
    settle(shipper, &Last { reference: None, kind: "verify_email", count: 1 }).await?;
    let letters = mailbox(staff).await?.unwrap_or_default();
    let is_it = |letter: &&Value| text(letter, "type") == "verify_email" && text(letter, "to") == address;
    let Some(letter) = letters.iter().find(is_it) else { return Ok(false) };
    let body = text(&staff.get(&format!("{MAILBOX}/{}", text(letter, "id"))).await?, "text");
    let link = body.split_whitespace().find(|word| word.contains("/verify-email/"));
    let token = link.and_then(|link| link.rsplit('/').next()).context("the letter has no link")?;
    shipper.post("/api/v1/auth/email/verify", json!({ "token": token })).await?;
    step("verify", "the shipper's e-mail address, by the link in a letter");
    Ok(true)
}

/// Prints what was sent to a shipper, if that is kept.
pub(super) async fn show(cast: &Cast, last: &Last, is_kept: bool) -> anyhow::Result<()> {
    if !is_kept {
        say("\nNo letters are shown: the server keeps none (its mail.transport is not mailbox), or shows them to \
             administrators only.\n");
        return Ok(());
    }
    let has_settled = settle(&cast.shipper, last).await?;
    let address = text(&cast.shipper.get("/api/v1/auth/me").await?, "email");
    let letters = mailbox(&cast.staff).await?.unwrap_or_default();
    say(&format!("\nLetters to {address}, in the mailbox of the server ({}{MAILBOX}):\n", cast.anyone.base));
    let mut newest = None;
    for letter in letters.iter().rev().filter(|letter| text(letter, "to") == address) {
        say(&format!("  {:<20} {}\n", text(letter, "type"), text(letter, "subject")));
        newest = Some(letter);
    }
    if !has_settled {
        say(&format!("  More letters were not sent within {} seconds.\n", PATIENCE.as_secs()));
    }
    if let Some(letter) = newest {
        let letter = cast.staff.get(&format!("{MAILBOX}/{}", text(letter, "id"))).await?;
        say(&format!("\nThe last one says:\n\n{}\n", indented(&text(&letter, "text"))));
    }
    Ok(())
}

/// Whether a notification waits to be sent now.
fn waits(one: &Value) -> bool {
    // These notifications wait for a later time: shortly before a hold expires, and a day before a cut-off.
    text(one, "status") == "WAITING" && !["hold_expiring", "cutoff_reminder"].contains(&text(one, "type").as_str())
}

fn indented(body: &str) -> String {
    body.trim_end()
        .lines()
        .map(|line| if line.is_empty() { String::new() } else { format!("  {line}") })
        .collect::<Vec<_>>()
        .join("\n")
}
