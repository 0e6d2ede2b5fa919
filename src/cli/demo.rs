mod caller;
mod delivered;
mod held;
mod letters;
mod paid;
mod rerouted;

use anyhow::ensure;
use clap::Args;
use loadmaster_accounts::{AdministrationService, NewUser, Role};
use loadmaster_platform::{
    random::TokenSource,
    settings::Settings,
    telemetry::{self, Traced},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use caller::{Caller, text};
use letters::Last;

use super::{
    output::{read_secret, say},
    own_server,
    serve::{Demo, Running, StopSignal, base_url},
};

#[derive(Debug, Args)]
pub(super) struct Options {
    /// URL of a running server, such as `http://127.0.0.1:8080`. Default: a server is started, and stopped at the end.
    #[arg(long, requires = "email")]
    url: Option<String>,
    /// E-mail address of an administrator of that server; with an operator, the parts with new flights are left out.
    #[arg(long, requires = "url")]
    email: Option<String>,
    /// Read the password from standard input.
    #[arg(long, requires = "url")]
    password_stdin: bool,
}

/// Runs the main workflow over HTTP, as a client would.
pub(super) async fn run(mut settings: Settings, options: Options) -> anyhow::Result<()> {
    if let Some((url, email)) = options.url.zip(options.email) {
        ensure!(options.password_stdin, "pass the password on standard input, with --password-stdin");
        let staff = Login { email, password: read_secret()? };
        let anyone = Caller::anonymous(url.trim_end_matches('/').to_owned(), reqwest::Client::builder().no_proxy())?;
        return play_traced(anyone, staff).await;
    }
    ensure!(
        settings.database.url.is_none(),
        "the demo creates users and bookings, so it runs only on a private database; unset DATABASE_URL, or name a \
         running server with --url"
    );
    // The demo ends with the letters: it does not wait for a minute until what one flight causes is collected.
    settings.notifications.collect_seconds = settings.notifications.collect_seconds.min(1);
    let mut stop = StopSignal::listen()?;
    let running = tokio::select! {
        started = Running::start(settings, None, Demo::Quiet) => started?,
        () = stop.arrives() => anyhow::bail!("the demo was stopped before it began"),
    };
    let outcome = tokio::select! {
        outcome = play_on(&running) => outcome,
        () = stop.arrives() => Err(anyhow::anyhow!("the demo was stopped")),
    };
    Box::pin(running.stop()).await?;
    outcome
}

/// Runs the demo on a server of this process, with an administrator created for it.
async fn play_on(running: &Running) -> anyhow::Result<()> {
    running.announce_sign_ins();
    let accounts: AdministrationService = running.instance.state().service()?;
    let staff =
        Login { email: format!("staff-{}@loadmaster.example", unique()?), password: accounts.generate_password()? };
    accounts
        .create_user(NewUser {
            email: staff.email.clone(),
            name: Some("Demo staff".to_owned()),
            role: Role::Admin,
            password: staff.password.clone(),
        })
        .await?;
    let anyone = Caller::anonymous(base_url(running), own_server::client(running.settings())?)?;
    play_traced(anyone, staff).await
}

fn unique() -> anyhow::Result<String> {
    let number = u64::from_le_bytes(TokenSource::default().bytes()?);
    Ok(format!("{number:016x}"))
}

struct Login {
    email: String,
    password: SecretString,
}

/// The callers of the demo: an anonymous one, a shipper, and the carrier's staff.
struct Cast {
    anyone: Caller,
    shipper: Caller,
    staff: Caller,
}

/// Runs the demo in one trace, if a collector is configured.
async fn play_traced(anyone: Caller, staff: Login) -> anyhow::Result<()> {
    play(anyone, staff).in_span(telemetry::command("demo")).await
}

/// Runs five parts: a shipment that goes as planned, one whose onward flight is cancelled, a hold that a guest books, a
/// waitlist, and a booking that is paid and cancelled.
async fn play(anyone: Caller, staff: Login) -> anyhow::Result<()> {
    say(&format!("\nPart 1: a booking from search to delivery, over HTTP on {}\n\n", anyone.base));
    let staff = json!({"email": staff.email, "password": staff.password.expose_secret()});
    let session = anyone.post("/api/v1/auth/login", staff).await?;
    let may_schedule = session["user"]["role"] == Role::Admin.as_str();
    let staff = anyone.with_session(&session);
    let shipper = register(&anyone, "shipper").await?;
    step("register", "a shipper; carrier staff logs in");
    let cast = Cast { anyone, shipper, staff };
    let are_letters_kept = letters::verify(&cast.staff, &cast.shipper).await?;

    let first = delivered::play(&cast).await?;
    let mut last = Last::about(first.clone(), "delivered");
    let second = if may_schedule {
        say("\nPart 2: the onward flight is cancelled\n\n");
        Some(rerouted::play(&cast).await?)
    } else {
        say("\nPart 2, a cancelled flight, was left out: it requires an administrator.\n");
        None
    };
    say("\nPart 3: a guest holds room, and books it\n\n");
    held::play(&cast).await?;
    if may_schedule {
        say("\nPart 4: a full flight, and somebody who waits for it\n\n");
        last = Last::about(held::play_waitlist(&cast).await?, "cancelled");
    } else {
        say("\nPart 4, a full flight, was left out: it requires an administrator.\n");
    }
    say("\nPart 5: a price, a payment, and a cancellation\n\n");
    last = paid::play(&cast).await?.unwrap_or(last);
    letters::show(&cast, &last, are_letters_kept).await?;
    let base = &cast.anyone.base;
    say("\nPublic tracking:\n");
    for reference in [Some(first), second].into_iter().flatten() {
        say(&format!("{base}/api/v1/tracking/{reference}\n"));
    }
    Ok(())
}

/// Registers a shipper of a new organization.
async fn register(anyone: &Caller, name: &str) -> anyhow::Result<Caller> {
    let password = TokenSource::default().token()?;
    let account = json!({"email": format!("{name}-{}@example.com", unique()?), "password": password});
    Ok(anyone.with_session(&anyone.post("/api/v1/auth/register", account).await?))
}

impl Cast {
    /// Moves a shipment on, step by step, as the carrier's staff.
    async fn walk(&self, reference: &str, actions: &[&str]) -> anyhow::Result<()> {
        for action in actions {
            let moved = self.staff.poke(&format!("/api/v1/bookings/{reference}/{action}")).await?;
            let (status, place) = (text(&moved, "status"), text(&moved, "current_airport"));
            step(action, &format!("status {status}, at {place}"));
        }
        Ok(())
    }

    /// Checks that the shipment was delivered to its consignee, and prints its journey.
    async fn show(&self, reference: &str) -> anyhow::Result<()> {
        let history = self.shipper.get(&format!("/api/v1/bookings/{reference}/history")).await?;
        show_history(&history);
        let tracking = self.anyone.get(&format!("/api/v1/tracking/{reference}")).await?;
        ensure!(tracking["status"] == "DELIVERED", "public tracking shows {}", text(&tracking, "status"));
        Ok(())
    }
}

fn step(what: &str, outcome: &str) {
    say(&format!("  {what:<10} {outcome}\n"));
}

fn show_history(history: &Value) {
    say(&format!("\n  {:<3} {:<16} {:<4} {:<4} {:<8} {}\n", "#", "event", "fsu", "at", "flight", "when"));
    for event in history["timeline"].as_array().into_iter().flatten() {
        let column = |member| text(event, member);
        say(&format!(
            "  {:<3} {:<16} {:<4} {:<4} {:<8} {}\n",
            column("sequence"),
            column("event_type"),
            column("fsu_code"),
            column("location"),
            column("flight_number"),
            column("occurred_at"),
        ));
    }
}
