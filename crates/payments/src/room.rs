use std::sync::Arc;

use anyhow::Context;
use chrono::TimeDelta;
use loadmaster_platform::{
    jobs::Handlers,
    postgres::Tables,
    room::{Data, Messages, Opened, Opening, Room},
    seal::SealKey,
    settings::{PaymentProvider, Payments},
};
use secrecy::ExposeSecret;

use super::{
    audit::AUDIT,
    error::code,
    metric::METRICS,
    model::{PAYMENT, PaymentEvent, PaymentEventType},
    provider::{Http, Journal, Provider},
    router::{self, HandlerState},
    service::{PaymentService, PaymentSettings},
    signature::WebhookKeys,
    tokens::Tokens,
    waiters::Waiters,
};

pub const ROOM: Room = Room {
    tags: &[("payments", "Payments for bookings"), ("credit", "Credit of organizations")],
    features: &["payments"],
    growing: &["PaymentStatus", "PaymentMethod", "CreditKind"],
    codes: code::CODES,
    metrics: METRICS,
    tables: Tables {
        history: &["credit_entries"],
        kept: &["payments", "payment_operations", "credit_accounts", "test_payments", "test_operations"],
        ..Tables::NONE
    },
    messages: &[Messages {
        aggregate: PAYMENT,
        event_types: PaymentEventType::NAMES,
        about: &PaymentEventType::ABOUT,
        subject: "the payment's id",
        data: Data::of::<PaymentEvent>,
    }],
    audit: AUDIT,
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("payments")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, tasks, secrets, .. } = opening;
    let is_private = settings.database.url.is_none();
    let (public_url, settings) = (settings.server.public_url.as_deref(), &settings.payments);
    let journal =
        (settings.provider(is_private) == PaymentProvider::Test).then(|| Journal::new(db.clone(), clock.clone()));
    let provider = match (&journal, settings.provider(is_private)) {
        (Some(journal), _) => Some(Arc::new(journal.clone()) as Arc<dyn Provider>),
        (None, PaymentProvider::Http) => Some(Arc::new(http(settings, public_url)?) as Arc<dyn Provider>),
        (None, _) => None,
    };
    // Without a secret of its own the provider `test` signs with one of the server's.
    let keys = if journal.is_some() && settings.webhook_secrets.is_empty() {
        let key = SealKey::new(&secrets.reference_key).seal("payments.webhook", &[]);
        WebhookKeys::of_bytes(&key)
    } else {
        WebhookKeys::new(&settings.webhook_secrets)
    };
    let payments = PaymentService {
        db: db.clone(),
        clock: clock.clone(),
        acts: opening.service()?,
        tasks: tasks.clone(),
        provider,
        journal,
        keys,
        settings: PaymentSettings {
            capture: settings.capture,
            wait: settings.wait(),
            guests_on_invoice: settings.guests_on_invoice,
            cancellation_fees: settings.cancellation_fees.clone().into(),
        },
        desk: Arc::default(),
        under_way: Arc::default(),
        tokens: Tokens::default(),
        news: Arc::default(),
        waiters: Waiters::default(),
    };
    let routes = router::routes().with_state(&HandlerState::of(opening, payments.clone()));
    let working = payments.for_background();
    let jobs = Handlers::default()
        .every(TimeDelta::hours(1), "reconcile_payments", working.clone(), |payments| async move {
            payments.reconcile().await.map(drop).map_err(Into::into)
        })
        .every(TimeDelta::days(1), "old_payment_webhooks", working.clone(), |payments| async move {
            payments.delete_old_webhooks().await.map(drop).map_err(Into::into)
        });
    let follower = Some(Arc::new(payments.waiters.clone()) as _);
    let personal = Some(Arc::new(payments.clone()) as _);
    let takes_tokens = payments.provider.is_some();
    let opened =
        Opened { routes, jobs, follower, personal, ..Opened::default() }.featuring("payment_tokens", takes_tokens);
    Ok(opened.working(|stop| working.work(stop)).with(payments))
}

fn http(settings: &Payments, public_url: Option<&str>) -> anyhow::Result<Http> {
    let url = settings.http_url.as_deref().context("payments.http_url is not set")?;
    let secret = settings.http_secret.as_ref().context("payments.http_secret is not set")?;
    Http::new(url, secret.expose_secret().into(), public_url)
}
