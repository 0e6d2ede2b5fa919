use anyhow::{Context, ensure};
use chrono::{Days, Utc};
use clap::Args;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    output::{read_secret, say},
    serve::{Running, StopSignal, base_url},
};
use crate::{
    features::accounts::{NewUser, Role},
    platform::{
        clock::{Clock, SystemClock},
        random::TokenSource,
        settings::Settings,
    },
};

#[derive(Debug, Args)]
pub(super) struct Options {
    /// A running server, such as `http://127.0.0.1:8080`; without it one is started, and stopped at the end.
    #[arg(long, requires = "email")]
    url: Option<String>,
    /// An operator of that server.
    #[arg(long, requires = "url")]
    email: Option<String>,
    /// Read the operator's password from standard input.
    #[arg(long, requires = "url")]
    password_stdin: bool,
}

/// Plays the main job over HTTP, as a client would.
pub(super) async fn run(settings: Settings, options: Options) -> anyhow::Result<()> {
    if let Some((url, email)) = options.url.zip(options.email) {
        ensure!(options.password_stdin, "give the operator's password on standard input, with --password-stdin");
        let operator = Login { email, password: read_secret()? };
        return play(url.trim_end_matches('/').to_owned(), operator).await;
    }
    ensure!(
        settings.database.url.is_none(),
        "the demo makes users and bookings, so it plays only on a private database: unset DATABASE_URL, or name a \
         running server with --url"
    );
    let mut stop = StopSignal::listen()?;
    let running = tokio::select! {
        started = Running::start(settings, true) => started?,
        () = stop.arrives() => anyhow::bail!("stopped before the demo began"),
    };
    let outcome = tokio::select! {
        outcome = play_on(&running) => outcome,
        () = stop.arrives() => Err(anyhow::anyhow!("the demo was stopped")),
    };
    running.stop().await?;
    outcome
}

/// On a server of our own: with an operator made for this demo.
async fn play_on(running: &Running) -> anyhow::Result<()> {
    running.announce_administrator();
    let accounts = &running.instance.state().accounts;
    let operator =
        Login { email: format!("operator-{}@loadmaster.example", unique()?), password: accounts.generate_password()? };
    accounts
        .create_user(NewUser {
            email: operator.email.clone(),
            name: Some("Demo operator".to_owned()),
            role: Role::Operator,
            password: operator.password.clone(),
        })
        .await?;
    play(base_url(running.instance.address()), operator).await
}

fn unique() -> anyhow::Result<String> {
    let number = u64::from_le_bytes(TokenSource::default().bytes()?);
    Ok(format!("{number:016x}"))
}

struct Login {
    email: String,
    password: SecretString,
}

/// One caller of the API.
struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.with_context(|| format!("{} cannot be reached", self.base))?;
        let status = response.status();
        let answer: Value = response.json().await.with_context(|| format!("{method} {path} did not answer JSON"))?;
        ensure!(status.is_success(), "{method} {path} answered {status}: {}", text(&answer, "detail"));
        Ok(answer)
    }

    fn as_caller(&self, session: &Value) -> Self {
        Self { http: self.http.clone(), base: self.base.clone(), token: Some(text(session, "access_token")) }
    }
}

fn text(value: &Value, member: &str) -> String {
    match &value[member] {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}

/// Search, book, depart, arrive, deliver, history.
async fn play(base: String, operator: Login) -> anyhow::Result<()> {
    say(&format!("\nThe main job, played over HTTP against {base}\n\n"));
    let anyone = Client { http: reqwest::Client::builder().no_proxy().build()?, base, token: None };
    let operator = json!({"email": operator.email, "password": operator.password.expose_secret()});
    let operator = anyone.as_caller(&anyone.call(Method::POST, "/api/v1/auth/login", Some(operator)).await?);
    let password = TokenSource::default().token()?;
    let shipper = json!({"email": format!("shipper-{}@example.com", unique()?), "password": password});
    let shipper = anyone.as_caller(&anyone.call(Method::POST, "/api/v1/auth/register", Some(shipper)).await?);
    step("register", "a shipper, and log an operator in");

    let flight = find_flight(&anyone).await?;
    let flight_path = format!("/api/v1/flights/{}", text(&flight, "id"));
    let before = anyone.call(Method::GET, &format!("{flight_path}/availability"), None).await?;

    let order = json!({
        "origin": flight["origin"], "destination": flight["destination"], "flight_ids": [flight["id"]],
        "pieces": 12, "weight_kg": 480.5, "description": "Machine parts", "special_handling_codes": ["HEA"],
        "shipper": {"name": "Demo Exports", "city": "Delhi", "country_code": "IN"},
        "consignee": {"name": "Demo Imports", "city": "London", "country_code": "GB"},
    });
    let booking = shipper.call(Method::POST, "/api/v1/bookings", Some(order)).await?;
    let reference = text(&booking, "ref_id");
    step(
        "book",
        &format!("{reference}: 12 pieces, 480.5 kg, charged as {} kg", text(&booking, "chargeable_weight_kg")),
    );
    let after = anyone.call(Method::GET, &format!("{flight_path}/availability"), None).await?;
    let kilograms = |availability: &Value| text(&availability["available"], "weight_kg");
    step("capacity", &format!("{} kg left before, {} kg after", kilograms(&before), kilograms(&after)));

    for action in ["depart", "arrive", "deliver"] {
        let path = format!("/api/v1/bookings/{reference}/{action}");
        let moved = operator.call(Method::POST, &path, None).await?;
        let place = text(&moved, "current_airport");
        step(action, &format!("status {}, at {place}", text(&moved, "status")));
    }
    let history = shipper.call(Method::GET, &format!("/api/v1/bookings/{reference}/history"), None).await?;
    show_history(&history);
    let tracking = anyone.call(Method::GET, &format!("/api/v1/tracking/{reference}"), None).await?;
    ensure!(tracking["status"] == "DELIVERED", "public tracking shows {}", text(&tracking, "status"));
    say(&format!("\nAnyone can follow it: {}/api/v1/tracking/{reference}\n", anyone.base));
    Ok(())
}

fn step(what: &str, outcome: &str) {
    say(&format!("  {what:<10} {outcome}\n"));
}

/// The first bookable direct flight from Delhi to London in the next days.
async fn find_flight(anyone: &Client) -> anyhow::Result<Value> {
    let today = SystemClock.now().with_timezone(&Utc).date_naive();
    for day in 1..=3 {
        let date = today.checked_add_days(Days::new(day)).unwrap_or(today);
        let search = json!({"origin": "DEL", "destination": "LHR", "departure_date": date, "weight_kg": 480.5});
        let found = anyone.call(Method::POST, "/api/v1/routes/search", Some(search)).await?;
        let (direct, transit) = (&found["direct_flights"], &found["transit_routes"]);
        let count = |list: &Value| list.as_array().map_or(0, Vec::len);
        if let Some(flight) = direct.as_array().into_iter().flatten().find(|flight| flight["bookable"] == true) {
            let (number, local) = (text(flight, "flight_number"), text(flight, "departure_local"));
            let (direct, transit) = (count(direct), count(transit));
            step(
                "search",
                &format!("DEL to LHR on {date}: {direct} direct, {transit} connecting; {number} at {local}"),
            );
            return Ok(flight.clone());
        }
    }
    anyhow::bail!("there is no bookable direct flight from DEL to LHR in the next three days on that server")
}

fn show_history(history: &Value) {
    say(&format!("\n  {:<3} {:<10} {:<4} {:<4} {:<8} {}\n", "#", "event", "fsu", "at", "flight", "when"));
    for event in history["timeline"].as_array().into_iter().flatten() {
        let column = |member| text(event, member);
        say(&format!(
            "  {:<3} {:<10} {:<4} {:<4} {:<8} {}\n",
            column("sequence"),
            column("event_type"),
            column("fsu_code"),
            column("location"),
            column("flight_number"),
            column("occurred_at"),
        ));
    }
}
