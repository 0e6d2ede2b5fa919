//! The rules that types cannot carry.
mod post;

use base64::{Engine, engine::general_purpose::STANDARD};
use loadmaster_kernel::{EmissionFactor, Money, Rate};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::{
    Algorithm, PaymentProvider, Secrets, Settings, bus,
    faults::{Faults, within},
    times,
};

const DAY_MS: u64 = 86_400_000;
const YEAR_HOURS: u32 = 8_784;
const MIN_SECRET_BYTES: usize = 32;
/// What a sale of the settings may say: all that others say but `max_uses`, since its uses are not counted.
const SALE: [&str; 11] = [
    "code",
    "percent",
    "amount",
    "sale_from",
    "sale_to",
    "airline_code",
    "origin",
    "destination",
    "flight_numbers",
    "valid_from",
    "valid_to",
];

pub(super) fn validate(settings: &Settings, has_kafka: bool, faults: &mut Faults) {
    server(settings, faults);
    times::validate(&settings.server, faults);
    stores(settings, faults);
    auth(settings, faults);
    limits(settings, faults);
    search(settings, faults);
    rates(settings, faults);
    emissions(settings, faults);
    pricing(settings, faults);
    payments(settings, faults);
    bus::validate(settings.outbox, &settings.kafka, has_kafka, faults);
    post::post(settings, faults);
    secrets(settings, faults);
    webhooks(settings, faults);
    within("graphql.max_depth", settings.graphql.max_depth, 1..=32, faults);
    within("graphql.max_complexity", settings.graphql.max_complexity, 1..=100_000, faults);
    if let Err(error) = EnvFilter::try_new(&settings.telemetry.log_filter) {
        faults.add(
            "telemetry.log_filter",
            &format!("is not a filter, such as `info` or `warn,loadmaster=debug`: {error}"),
        );
    }
}

fn server(settings: &Settings, faults: &mut Faults) {
    let server = &settings.server;
    filled("server.host", &server.host, faults);
    within("server.request_timeout_ms", server.request_timeout_ms, 1..=DAY_MS, faults);
    within("server.header_timeout_ms", server.header_timeout_ms, 1..=DAY_MS, faults);
    within("server.max_body_bytes", server.max_body_bytes, 1024..=1 << 30, faults);
    within("server.max_in_flight", server.max_in_flight, 1..=1_000_000, faults);
    within("server.max_connections", server.max_connections, 2..=1_000_000, faults);
    within("server.max_connections_per_address", server.max_connections_per_address, 1..=1_000_000, faults);
    within("server.idle_timeout_ms", server.idle_timeout_ms, 1..=DAY_MS, faults);
    within("server.write_timeout_ms", server.write_timeout_ms, 1..=DAY_MS, faults);
    within("server.drain_ms", server.drain_ms, 0..=DAY_MS, faults);
    within("server.shutdown_ms", server.shutdown_ms, 1..=DAY_MS, faults);
    if server.drain_ms >= server.shutdown_ms {
        let complaint =
            format!("must be less than server.shutdown_ms, which is {}, not {}", server.shutdown_ms, server.drain_ms);
        faults.add("server.drain_ms", &complaint);
    }
    for origin in &server.cors_origins {
        if as_browsers_send(origin).as_deref() != Some(origin) {
            let wanted =
                "must be scheme://host[:port] as browsers send it (lower case, no path, no default port, no *)";
            faults.add("server.cors_origins", &format!("{wanted}, not `{origin}`"));
        }
    }
    for (setting, is_set, other, is_other_set) in [
        ("server.tls_cert_file", server.tls_cert_file.is_some(), "server.tls_key_file", server.tls_key_file.is_some()),
        ("server.tls_key_file", server.tls_key_file.is_some(), "server.tls_cert_file", server.tls_cert_file.is_some()),
    ] {
        if is_other_set && !is_set {
            faults.add(setting, &format!("is needed with {other}"));
        }
    }
}

/// The origin of a URL as RFC 6454 writes it, whatever its scheme.
fn as_browsers_send(origin: &str) -> Option<String> {
    let url = Url::parse(origin).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty() && !host.contains('*'))?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{host}{port}", url.scheme()))
}

fn stores(settings: &Settings, faults: &mut Faults) {
    let database = &settings.database;
    let postgres: &[&str] = &["postgres", "postgresql"];
    scheme("database.url", database.url.as_ref(), postgres, faults);
    scheme("database.owner_url", database.owner_url.as_ref(), postgres, faults);
    scheme("database.read_url", database.read_url.as_ref(), postgres, faults);
    if database.read_url.is_some() && database.url.is_none() {
        faults.add("database.read_url", "needs database.url: the private PostgreSQL has no replica");
    }
    within("database.read_max_lag_ms", database.read_max_lag_ms, 1..=600_000, faults);
    if let Some(connections) = database.max_connections {
        within("database.max_connections", connections, 1..=10_000, faults);
    }
    within("database.acquire_timeout_ms", database.acquire_timeout_ms, 1..=DAY_MS, faults);
    within("database.statement_timeout_ms", database.statement_timeout_ms, 100..=120_000, faults);
    scheme("redis.url", settings.redis.url.as_ref(), &["redis", "rediss", "redis+unix", "unix"], faults);
    within("redis.timeout_ms", settings.redis.timeout_ms, 1..=DAY_MS, faults);
    filled("embedded.data_dir", &settings.embedded.data_dir.to_string_lossy(), faults);
    filled("embedded.postgres_user", &settings.embedded.postgres_user, faults);
}

fn auth(settings: &Settings, faults: &mut Faults) {
    let auth = &settings.auth;
    let long_enough = auth.secret.as_ref().is_some_and(|secret| secret.expose_secret().len() >= MIN_SECRET_BYTES);
    if auth.algorithm == Algorithm::Hs256 && !long_enough {
        faults.add("auth.secret", &format!("must have at least {MIN_SECRET_BYTES} bytes with auth.algorithm HS256"));
    }
    filled("auth.issuer", &auth.issuer, faults);
    filled("auth.audience", &auth.audience, faults);
    within("auth.access_token_minutes", auth.access_token_minutes, 1..=525_600, faults);
    within("auth.refresh_token_days", auth.refresh_token_days, 1..=3_650, faults);
    within("auth.guest_token_minutes", auth.guest_token_minutes, 1..=525_600, faults);
}

fn limits(settings: &Settings, faults: &mut Faults) {
    let rate = &settings.rate_limit;
    within("rate_limit.anonymous_per_minute", rate.anonymous_per_minute, 1..=u32::MAX, faults);
    within("rate_limit.authenticated_per_minute", rate.authenticated_per_minute, 1..=u32::MAX, faults);
    within("rate_limit.credentials_per_minute", rate.credentials_per_minute, 1..=u32::MAX, faults);
    within("rate_limit.session_refreshes_per_minute", rate.session_refreshes_per_minute, 1..=u32::MAX, faults);
    within("capacity.max_overbooking_percent", settings.capacity.max_overbooking_percent, 0..=100, faults);
    within("booking.auto_route_hours", settings.booking.auto_route_hours, 1..=YEAR_HOURS, faults);
    within("booking.moved_at_once", settings.booking.moved_at_once, 1..=1_000_000, faults);
    within("operations.backdate_days", settings.operations.backdate_days, 1..=3_650, faults);
    within("clock.warn_ms", settings.clock.warn_ms, 1..=30_000, faults);
    within("stream.max_per_caller", settings.stream.max_per_caller, 1..=1_000_000, faults);
    within("stream.max_per_process", settings.stream.max_per_process, 1..=1_000_000, faults);
    within("waitlist.offer_hours", settings.waitlist.offer_hours, 1..=720, faults);
    within("waitlist.max_passed_over", settings.waitlist.max_passed_over, 1..=1_000, faults);
    within("waitlist.keep_hours", settings.waitlist.keep_hours, 0..=720, faults);
    within("alerts.max_per_organization", settings.alerts.max_per_organization, 1..=10_000, faults);
    let holds = &settings.holds;
    within("holds.max_seconds", holds.max_seconds, 10..=86_400, faults);
    within("holds.ttl_seconds", holds.ttl_seconds, 10..=900.min(holds.max_seconds), faults);
    within("holds.guest_flight_percent", holds.guest_flight_percent, 0..=100, faults);
    within("holds.guests_flight_percent", holds.guests_flight_percent, 0..=100, faults);
    within("desk.lanes", settings.desk.lanes, 1..=64, faults);
    within("desk.batch", settings.desk.batch, 1..=1_000, faults);
    within("desk.queue", settings.desk.queue, 1..=1_000_000, faults);
    within("locks.ttl_ms", settings.locks.ttl_ms, 1..=DAY_MS, faults);
    within("locks.attempts", settings.locks.attempts, 1..=100_000, faults);
    within("locks.delay_ms", settings.locks.delay_ms, 0..=DAY_MS, faults);
    within("idempotency.retention_hours", settings.idempotency.retention_hours, 1..=YEAR_HOURS, faults);
}

fn search(settings: &Settings, faults: &mut Faults) {
    let search = &settings.search;
    let minutes = 0..=7 * 24 * 60;
    within("search.cache_ttl_seconds", search.cache_ttl_seconds, 0..=86_400 * 366, faults);
    within("search.min_connection_minutes", search.min_connection_minutes, minutes.clone(), faults);
    within("search.max_stops", search.max_stops, 0..=3, faults);
    within("search.alternative_days", search.alternative_days, 0..=14, faults);
    within("analytics.search_days", settings.analytics.search_days, 1..=3_660, faults);
    for (airport, needed) in &search.connection_minutes_by_airport {
        if airport.len() != 3 || !airport.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let complaint = format!("must use airport codes of three capital letters, not `{airport}`");
            faults.add("search.connection_minutes_by_airport", &complaint);
        }
        within("search.connection_minutes_by_airport", *needed, minutes.clone(), faults);
    }
}

fn rates(settings: &Settings, faults: &mut Faults) {
    let rates = &settings.rates;
    let is_rising = rates.weights_kg.is_sorted_by(|lighter, heavier| lighter < heavier);
    if !is_rising || !(1..=5).contains(&rates.weights_kg.len()) {
        faults.add("rates.weights_kg", "must be one to five rising weights");
    }
    for weight in &rates.weights_kg {
        within("rates.weights_kg", *weight, 1..=100_000, faults);
    }
    within("rates.max_lanes", rates.max_lanes, 0..=10_000, faults);
    within("rates.frequent_lanes", rates.frequent_lanes, 0..=1_000, faults);
    let feeds = &settings.feeds;
    within("feeds.far_minutes", feeds.far_minutes, 1..=1_440, faults);
    within("feeds.max_gone_percent", feeds.max_gone_percent, 0..=100, faults);
    if feeds.folder.as_ref().is_some_and(|folder| !folder.is_absolute()) {
        faults.add("feeds.folder", "must be an absolute path");
    }
    let services = &settings.ssim.service_types;
    let is_letter = |service: &String| matches!(service.as_bytes(), [b'A'..=b'Z']);
    if services.is_empty() || services.len() > 26 || !services.iter().all(is_letter) {
        faults.add("ssim.service_types", "must be one or more single capital letters, such as J and F");
    }
}

fn emissions(settings: &Settings, faults: &mut Faults) {
    // No two places are further apart than half of the Earth's circumference.
    within("emissions.long_haul_km", settings.emissions.long_haul_km, 0..=20_015, faults);
    for (setting, factor) in settings.emissions.factors() {
        let is_possible = |factor: Rate| (1..=EmissionFactor::MOST).contains(&factor.ten_thousandths());
        if factor.is_some_and(|factor| !is_possible(factor)) {
            faults.add(setting, "must be above 0 and below 100 kg");
        }
    }
}

fn payments(settings: &Settings, faults: &mut Faults) {
    let payments = &settings.payments;
    within("payments.wait_ms", payments.wait_ms, 0..=60_000, faults);
    if !payments.cancellation_fees.is_sorted_by(|earlier, later| earlier.hours > later.hours) {
        faults.add("payments.cancellation_fees", "must have falling hours, no two the same");
    }
    for band in &payments.cancellation_fees {
        within("payments.cancellation_fees", band.percent, 0..=100, faults);
    }
    if payments.webhook_secrets.len() > 2 {
        faults.add("payments.webhook_secrets", "must be at most two: the new one, and the one before");
    }
    if payments.webhook_secrets.iter().any(|secret| !is_webhook_secret(secret.expose_secret())) {
        let complaint = "must each have at least 16 bytes, or be `whsec_` and at least 16 bytes in base64";
        faults.add("payments.webhook_secrets", complaint);
    }
    let url = payments.http_url.as_deref().map(Url::parse);
    if url.as_ref().is_some_and(|url| !url.as_ref().is_ok_and(is_address_of_provider)) {
        faults.add("payments.http_url", "must be an address that begins with https:// or http://, without a query");
    }
    let script = payments.script_url.as_deref().map(Url::parse);
    if script.as_ref().is_some_and(|url| !url.as_ref().is_ok_and(is_address_of_provider)) {
        faults.add("payments.script_url", "must be an address that begins with https:// or http://, without a query");
    }
    for origin in &payments.script_origins {
        if !is_origin_of_script(origin) {
            let wanted = "must be https://host[:port] as browsers send it, or https://*.host for all below a host";
            faults.add("payments.script_origins", &format!("{wanted}, not `{origin}`"));
        }
    }
    if payments.publishable_key.is_some() != payments.script_url.is_some() {
        faults.add("payments.script_url", "is needed with payments.publishable_key, and the reverse");
    }
    if payments.provider == PaymentProvider::Http {
        if payments.http_url.is_none() {
            faults.add("payments.http_url", "is needed with payments.provider http");
        }
        if payments.http_secret.as_ref().is_none_or(|secret| secret.expose_secret().is_empty()) {
            faults.add("payments.http_secret", "is needed with payments.provider http");
        }
    }
}

fn secrets(settings: &Settings, faults: &mut Faults) {
    const WANTED: &str = "must be 32 bytes in base64, such as `openssl rand -base64 32` prints";
    if settings.secrets.key.as_ref().is_some_and(|key| Secrets::bytes(key).is_none()) {
        faults.add("secrets.key", WANTED);
    }
    if settings.secrets.former_keys.iter().any(|key| Secrets::bytes(key).is_none()) {
        faults.add("secrets.former_keys", &format!("{WANTED}, each"));
    }
}

fn webhooks(settings: &Settings, faults: &mut Faults) {
    let webhooks = &settings.webhooks;
    if webhooks.ports.is_empty() || webhooks.ports.contains(&0) {
        faults.add("webhooks.ports", "must name at least one port, and not 0");
    }
    within("webhooks.max_per_organization", webhooks.max_per_organization, 1..=1_000, faults);
    within("webhooks.give_up_minutes", webhooks.give_up_minutes, 1..=525_600, faults);
    if webhooks.retry_seconds.len() > 50 {
        faults.add("webhooks.retry_seconds", "must have at most 50 entries");
    }
    for pause in &webhooks.retry_seconds {
        within("webhooks.retry_seconds", *pause, 1..=30 * 86_400, faults);
    }
}

fn pricing(settings: &Settings, faults: &mut Faults) {
    let pricing = &settings.pricing;
    within("pricing.quote_minutes", pricing.quote_minutes, 1..=43_200, faults);
    let tariff = &pricing.default_tariff;
    if let Err(fault) = Money::parse(&tariff.minimum, tariff.currency) {
        faults.add("pricing.default_tariff", &format!("has a minimum that {fault}, not `{}`", tariff.minimum));
    }
    let (mut weight, mut rate) = (0, tariff.normal);
    for next in &tariff.breaks {
        if next.from_kg <= weight || next.from_kg > 1_000_000 || next.rate >= rate {
            let complaint = "must have breaks with rising `from_kg`, up to 1000000, and falling `rate`, below `normal`";
            faults.add("pricing.default_tariff", complaint);
        }
        (weight, rate) = (next.from_kg, next.rate);
    }
    for surcharge in &pricing.default_surcharges {
        let code = surcharge.code.as_bytes();
        let is_code = code.len() == 3 && code.iter().all(u8::is_ascii_uppercase) && matches!(code[2], b'A' | b'C');
        if !is_code {
            let complaint =
                format!("must use codes of two letters and `C` or `A`, such as MYC, not `{}`", surcharge.code);
            faults.add("pricing.default_surcharges", &complaint);
        }
    }
    sales(&pricing.default_sales, faults);
}

/// Checks the names of members; what they say is read against the reference data when the room opens.
fn sales(sales: &[serde_json::Map<String, Value>], faults: &mut Faults) {
    for (number, sale) in (1..).zip(sales) {
        for member in sale.keys().filter(|member| !SALE.contains(&member.as_str())) {
            let complaint = format!("has `{member}` in its entry {number}, which a sale of the settings does not take");
            faults.add("pricing.default_sales", &complaint);
        }
        for (member, _) in sale.iter().filter(|(_, value)| value.is_number() || value.is_boolean()) {
            faults.add("pricing.default_sales", &format!("must have a text as `{member}` in its entry {number}"));
        }
    }
}

fn is_address_of_provider(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http") && url.has_host() && url.query().is_none() && url.fragment().is_none()
}

/// Whether this is a source of a Content-Security-Policy, and no more than one: an origin, or all origins below a host.
fn is_origin_of_script(origin: &str) -> bool {
    let host = origin.strip_prefix("https://").map(|host| host.strip_prefix("*.").unwrap_or(host));
    let plain = host.map(|host| format!("https://{host}"));
    plain.is_some_and(|plain| as_browsers_send(&plain).as_deref() == Some(&plain) && !plain.contains([';', ',', '\'']))
}

fn is_webhook_secret(secret: &str) -> bool {
    const LEAST: usize = 16;
    match secret.strip_prefix("whsec_") {
        Some(text) => STANDARD.decode(text).is_ok_and(|key| key.len() >= LEAST),
        None => secret.len() >= LEAST,
    }
}

fn filled(setting: &str, text: &str, faults: &mut Faults) {
    if text.trim().is_empty() {
        faults.add(setting, "must not be empty");
    }
}

/// The complaint never quotes the URL: it may hold a password.
fn scheme(setting: &str, url: Option<&SecretString>, schemes: &[&str], faults: &mut Faults) {
    let Some(url) = url else { return };
    let known = Url::parse(url.expose_secret()).is_ok_and(|url| schemes.contains(&url.scheme()));
    if !known {
        let begins: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
        faults.add(setting, &format!("must be a URL that begins with {}", begins.join(" or ")));
    }
}
