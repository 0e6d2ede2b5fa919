use std::{collections::HashMap, sync::Arc};

use anyhow::Context;
use chrono::TimeDelta;
use lettre::message::Mailbox as MailAddress;
use loadmaster_accounts::{AccountMails, Acts};
use loadmaster_platform::{
    jobs::Handlers,
    room::{Opened, Opening},
    settings::{MailTransport, SmsTransport},
};

use super::{
    account_mail::{ACCOUNT_TYPES, AccountComposer},
    account_notice::{NOTICES, NoticeComposer},
    claim::counted_as,
    metric,
    model::{Channel, Composer, Templates},
    pace::Pace,
    router::{self, HandlerState},
    sender::ChannelSender,
    service::{Composers, PostService},
    shares::Shares,
    templates::{Engine, SHARED},
    transport::{Gateway, Mailbox, Relay, Transport},
};

/// Text messages have no rate of their own but the day's.
const SMS_PER_MINUTE: u32 = 600;

/// Opens the post office with the composers of the room: its operations, its senders and its schedule.
pub fn open(opening: &Opening, composers: Composers) -> anyhow::Result<(PostService, Opened)> {
    let Opening { settings, clock, .. } = opening;
    let is_private = settings.database.url.is_none();
    let mail = settings.mail.transport(is_private);
    let sms = settings.sms.transport(is_private);
    let has_mailbox = mail == MailTransport::Mailbox || sms == SmsTransport::Mailbox;
    let mailbox = has_mailbox.then(|| Mailbox::open(&settings.embedded.data_dir, clock.clone())).transpose()?;
    let channels = [(Channel::Email, mail == MailTransport::None), (Channel::Sms, sms == SmsTransport::None)];
    let closed =
        channels.into_iter().filter(|(_, is_closed)| *is_closed).map(|(channel, _)| channel.as_str()).collect();
    let post = PostService::new(opening, mailbox, closed)?;
    opening.service::<AccountMails>()?.open(Arc::new(post.clone()));
    let senders = senders(opening, &post, composers, (mail, sms))?;

    let acts: Acts = opening.service()?;
    let routes = router::routes().with_state(&HandlerState::of(opening, post.clone(), acts));
    let jobs = Handlers::default().every(TimeDelta::days(1), "old_notifications", post.clone(), |post| async move {
        let deleted = post.delete_old().await?;
        tracing::info!(deleted, "old notifications deleted");
        Ok(())
    });
    let mut opened = Opened { routes, jobs, ..Opened::default() };
    for sender in senders {
        opened = opened.working(move |stop| Arc::new(sender).work(stop));
    }
    Ok((post, opened))
}

/// Registers the counters, so that a type that was not sent yet shows 0.
fn announce(types: impl Iterator<Item = &'static str>) {
    for kind in types {
        for (channel, outcome) in [("email", "sent"), ("sms", "sent")] {
            metric::NOTIFICATIONS.with([channel, counted_as(kind), outcome]).increment(0);
        }
    }
}

fn senders(
    opening: &Opening,
    post: &PostService,
    mut composers: Composers,
    (mail, sms): (MailTransport, SmsTransport),
) -> anyhow::Result<[ChannelSender; 2]> {
    let Opening { settings, timing, .. } = opening;
    let public_url = settings.public_url();
    let from: MailAddress = settings.mail.from().parse().context("mail.from is not an address")?;
    let own = Arc::new(AccountComposer { post: post.clone(), public_url: public_url.clone() });
    composers.extend(ACCOUNT_TYPES.map(|kind| (kind, own.clone() as Arc<dyn Composer>)));
    let notices = Arc::new(NoticeComposer { public_url: public_url.clone() });
    composers.extend(NOTICES.map(|kind| (kind, notices.clone() as Arc<dyn Composer>)));
    announce(composers.keys().copied());
    let engine = Arc::new(engine(opening, &composers, &public_url)?);
    let mailbox = || post.mailbox().map_or(Transport::None, Transport::Mailbox);
    let by_mail = match mail {
        MailTransport::Smtp => {
            Transport::Relay(Box::new(Relay::new(&settings.mail, from.email.domain(), timing.post)?))
        }
        MailTransport::Mailbox => mailbox(),
        MailTransport::None | MailTransport::Auto => Transport::None,
    };
    let by_sms = match sms {
        SmsTransport::Http => Transport::Gateway(Box::new(Gateway::new(&settings.sms, timing.post)?)),
        SmsTransport::Mailbox => mailbox(),
        SmsTransport::None | SmsTransport::Auto => Transport::None,
    };
    let sender = |channel, transport, per_minute, shares| ChannelSender {
        post: post.for_background(),
        channel,
        transport,
        composers: composers.clone(),
        engine: engine.clone(),
        from: from.clone(),
        public_url: public_url.clone(),
        language: settings.notifications.language.clone(),
        pace: Pace(per_minute),
        shares,
        rest: timing.post / 20,
    };
    let texts = Shares::of_day(settings.sms.max_per_day, settings.sms.codes_percent);
    Ok([
        sender(Channel::Email, by_mail, settings.mail.per_minute, Shares::Unbounded),
        sender(Channel::Sms, by_sms, SMS_PER_MINUTE, texts),
    ])
}

fn engine(
    opening: &Opening,
    composers: &HashMap<&'static str, Arc<dyn Composer>>,
    public_url: &str,
) -> anyhow::Result<Engine> {
    let settings = &opening.settings.notifications;
    let mut shipped: Vec<Templates> = vec![SHARED];
    shipped.extend(composers.values().map(|composer| composer.templates()));
    let samples = composers.values().flat_map(|composer| composer.samples());
    Engine::new(&shipped, settings.templates_dir.as_deref(), &settings.language, public_url, samples)
}
