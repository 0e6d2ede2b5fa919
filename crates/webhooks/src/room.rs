use std::sync::Arc;

use chrono::TimeDelta;
use loadmaster_platform::{
    jobs::Handlers,
    outbound::{Outbound, Rules, read_authorities},
    outbox::{Source, relay},
    room::{Data, Messages, Opened, Opening, Room},
};

use super::{
    metric::METRICS,
    model::{GiveUp, WEBHOOK, WebhookEventType, WebhookMessage, WebhookTest},
    router::{self, HandlerState},
    service::WebhookService,
    sink::WebhookSink,
};

const WEBHOOK_SUBJECT: &str = "the webhook's id";

pub const ROOM: Room = Room {
    tags: &[("webhooks", "Messages to your own receivers")],
    features: &["webhooks"],
    growing: &["WebhookStatus", "DisabledReason", "AttemptOutcome"],
    metrics: METRICS,
    messages: &[
        Messages {
            aggregate: WEBHOOK,
            event_types: &[WebhookEventType::Failing.as_str(), WebhookEventType::Disabled.as_str()],
            about: &[
                "Every attempt to reach a receiver has failed for a day (a third of `webhooks.give_up_minutes`).",
                "Nothing is sent to a webhook any more: its receiver has failed for too long or is gone, or the access with \
                 which it was made has ended.",
            ],
            subject: WEBHOOK_SUBJECT,
            data: Data::of::<WebhookMessage>,
        },
        Messages {
            aggregate: WEBHOOK,
            event_types: &[WebhookEventType::Test.as_str()],
            about: &["Somebody asked for a message that only shows that messages arrive."],
            subject: WEBHOOK_SUBJECT,
            data: Data::of::<WebhookTest>,
        },
    ],
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("webhooks")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, ids, tokens, secrets, vault, timing, process, .. } = opening;
    let settings = &settings.webhooks;
    let authorities = settings.ca_file.as_deref().map(read_authorities).transpose()?.unwrap_or_default();
    let rules = Rules { ports: settings.ports.clone(), trusted: settings.trusted_networks.clone() };
    let webhooks = WebhookService {
        db: db.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        tokens: tokens.clone(),
        acts: opening.service()?,
        lasting: opening.service()?,
        vault: vault.clone(),
        outbound: Outbound::new(rules, timing.calls, opening.network.clone(), authorities),
        source: Source::of(&secrets.namespace),
        types: opening.message_types.clone(),
        max_per_organization: settings.max_per_organization,
        policy: Arc::new(GiveUp {
            pauses: settings.retry_seconds.iter().map(|seconds| TimeDelta::seconds((*seconds).into())).collect(),
            after: TimeDelta::minutes(settings.give_up_minutes.into()),
        }),
        timing: *timing,
        process: process.clone(),
        news: Arc::default(),
    };
    let routes = router::routes().with_state(&HandlerState::of(opening, webhooks.clone(), opening.service()?));
    let working = webhooks.for_background();
    let jobs = Handlers::default().every(
        TimeDelta::hours(1),
        "old_webhook_deliveries",
        working.clone(),
        |webhooks| async move { webhooks.delete_old().await.map(drop).map_err(Into::into) },
    );
    let personal = Some(Arc::new(webhooks.clone()) as _);
    let (sink, holder, timing) = (WebhookSink::new(working.clone()), process.to_string(), *timing);
    let readings = opening.readings.clone();
    let outbox = working.db.clone();
    let opened = Opened { routes, jobs, personal, ..Opened::default() };
    Ok(opened
        .working(move |stop| relay(outbox, readings, sink, holder, timing, stop))
        .working(|stop| working.work(stop))
        .with(webhooks))
}
