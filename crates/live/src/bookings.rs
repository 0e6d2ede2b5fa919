use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use loadmaster_bookings::{Booking, BookingError, BookingService, Event as Step, EventBody, Since, Wanted};
use loadmaster_kernel::{BookingId, OrganizationId};
use loadmaster_platform::{
    clock::{Moment, SharedClock},
    outage::OutageLog,
    outbox::Entry,
    shutdown::stopped_within,
    streams::{Backlog, Broken, Burst, Event, Opened, Piece, Sender, Sending, reset},
};
use loadmaster_tracking::{Tracking, TrackingEvent};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{error::LiveError, groups::Groups};

/// Bookings read at the same time.
const AT_ONCE: usize = 4;
/// Pause after a failure.
const PAUSE: Duration = Duration::from_millis(200);
/// Bytes after which what was missed is passed on, so that no stream holds a long history with the booking beside each event.
const PORTION: usize = 64 * 1024;

/// What a stream shows of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// All, to the organization that it belongs to; `None`: to the carrier's staff.
    Whole(Option<OrganizationId>),
    /// What anyone may see.
    Public,
}

/// Follows single bookings, event by event.
#[derive(Clone)]
pub(super) struct BookingStreams {
    groups: Groups<BookingId, SentEvents, Member>,
    news: Arc<Notify>,
    bookings: BookingService,
    clock: SharedClock,
}

#[derive(Debug, Clone, Copy, Default)]
struct SentEvents {
    /// The number of the last event before those that the group is sent; `None`: the first stream is being opened.
    began: Option<i32>,
    /// The number of the last event that was sent.
    last: Option<i32>,
    has_news: bool,
}

impl SentEvents {
    /// Lets a stream begin after this event, if it may. Returns false if it has to begin later: the group may never be sent what is in
    /// between. Events that the others have must not be sent again for its sake.
    fn admits(&mut self, now: i32) -> bool {
        self.last.get_or_insert(now);
        now >= *self.began.get_or_insert(now)
    }
}

#[derive(Clone)]
struct Member {
    sender: Sender,
    view: View,
}

impl View {
    const fn name(self) -> &'static str {
        match self {
            Self::Whole(_) => "booking",
            Self::Public => "tracking",
        }
    }

    fn may_see(self, booking: &Booking) -> bool {
        match self {
            Self::Whole(Some(organization)) => booking.organization_id == organization,
            Self::Whole(None) | Self::Public => true,
        }
    }

    /// Returns whether it shows this step: a step that was taken back did not happen, for anyone who only follows the shipment.
    fn shows(self, step: &Step) -> bool {
        self != Self::Public || !step.is_corrected
    }

    fn wanted(self, after: Option<i32>) -> Wanted {
        Wanted { after, newest: self == Self::Public }
    }

    /// Returns the booking as JSON, which is written once for all events beside it.
    fn shown(self, bookings: &BookingService, found: &Since) -> serde_json::Result<Shown> {
        let state = match self {
            Self::Whole(_) => serde_json::to_string(&bookings.body(&found.booking))?,
            Self::Public => serde_json::to_string(&Tracking::new(&found.booking, &found.newest))?,
        };
        Ok(Shown { view: self, state, sequence: found.booking.event_sequence })
    }
}

/// A booking as a stream shows it.
struct Shown {
    view: View,
    state: String,
    sequence: i32,
}

impl Shown {
    /// Returns the event of a stream about a step; `None`: about the state now.
    fn event(&self, step: Option<&Step>) -> serde_json::Result<String> {
        let Self { view, state, sequence } = self;
        let event = match view {
            View::Whole(_) => serde_json::to_string(&step.map(EventBody::from))?,
            View::Public => serde_json::to_string(&step.map(TrackingEvent::from))?,
        };
        // The member has the name of the event.
        let name = view.name();
        let data = format!("{{\"event\":{event},\"{name}\":{state}}}");
        let id = step.map_or(*sequence, |step| step.sequence).to_string();
        Ok(Event { name, id: &id, data: &data }.text())
    }
}

impl BookingStreams {
    pub fn new(bookings: BookingService, clock: SharedClock) -> Self {
        Self { groups: Groups::default(), news: Arc::default(), bookings, clock }
    }

    #[must_use]
    pub fn for_background(&self) -> Self {
        Self { bookings: self.bookings.for_background(), ..self.clone() }
    }

    /// Notes which of the bookings that somebody follows have changed.
    pub fn hear<'a>(&self, messages: impl Iterator<Item = &'a Entry>) {
        let mut groups = self.groups.all();
        if groups.is_empty() {
            return;
        }
        let mut has_news = false;
        for message in messages {
            if let Some(group) = groups.get_mut(&message.aggregate_id.into()) {
                group.sent.has_news = true;
                has_news = true;
            }
        }
        drop(groups);
        if has_news {
            self.news.notify_one();
        }
    }

    /// Begins a stream about this booking, after the event with the number `last`.
    pub async fn start(
        &self,
        id: BookingId,
        view: View,
        mut opened: Opened,
        last: Option<&str>,
    ) -> Result<Sending, LiveError> {
        let sender = opened.sender().clone();
        // From now on it hears of changes; then the state is read, so that none is missed.
        opened.keep(self.groups.join(id, sender.number(), Member { sender: sender.clone(), view }));
        let mut shown = self.read(id, view).await?;
        if self.groups.with(id, |group| group.sent.admits(shown.sequence)) == Some(false) {
            shown = self.read(id, view).await?;
        }
        let now = shown.sequence;
        sender.has_shown((now.into(), 0));
        // What was heard meanwhile has waited for this.
        self.news.notify_one();
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let sending = match last.map(number) {
            None => opened.start(&shown.event(None)?),
            Some(Some(last)) if last == now => opened.start(""),
            Some(Some(last)) if last < now => opened.catch_up("", self.missed(id, view, (last, now))),
            Some(_) => opened.start(&(reset("unknown") + &shown.event(None)?)),
        };
        Ok(sending)
    }

    async fn read(&self, id: BookingId, view: View) -> Result<Shown, LiveError> {
        let found = self.bookings.since(id, view.wanted(None)).await?;
        let found = found.filter(|found| view.may_see(&found.booking)).ok_or(BookingError::Unknown)?;
        Ok(view.shown(&self.bookings, &found)?)
    }

    /// Returns the events after the first of these numbers up to the second, read as they are taken.
    fn missed(&self, id: BookingId, view: View, (after, last): (i32, i32)) -> Backlog {
        let this = self.clone();
        Box::pin(async_stream::try_stream! {
            let mut after = after;
            while after < last {
                let (shown, steps) = this.page(id, view, after).await?;
                let mut steps = steps.into_iter().take_while(|step| step.sequence <= last).peekable();
                if steps.peek().is_none() {
                    Err(Broken)?;
                }
                while let Some((text, end)) = portion(&shown, &mut steps).map_err(|_| Broken)? {
                    yield text.into();
                    after = end;
                }
            }
        })
    }

    /// Returns the next of them, and the booking beside them.
    async fn page(&self, id: BookingId, view: View, after: i32) -> Result<(Shown, Vec<Step>), Broken> {
        let found = self.bookings.since(id, view.wanted(Some(after))).await.map_err(|_| Broken)?;
        let found = found.filter(|found| view.may_see(&found.booking)).ok_or(Broken)?;
        Ok((view.shown(&self.bookings, &found).map_err(|_| Broken)?, found.later))
    }

    /// Sends the events of bookings that somebody follows, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut outage = OutageLog::new("bookings cannot be read, so their streams say nothing");
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.news.notified() => {}
            }
            if outage.note(self.look().await).is_err() {
                self.news.notify_one();
                _ = stopped_within(&stop, PAUSE).await;
            }
        }
    }

    async fn look(&self) -> Result<(), LiveError> {
        let mut changed = Vec::new();
        for (id, group) in self.groups.all().iter_mut().filter(|(_, group)| group.sent.has_news) {
            if let Some(last) = group.sent.last {
                group.sent.has_news = false;
                changed.push((*id, last));
            }
        }
        let sending = futures_util::stream::iter(changed).map(|(id, last)| async move {
            let sent = self.send_news(id, last).await;
            if sent.is_err() {
                self.groups.with(id, |group| group.sent.has_news = true);
            }
            sent
        });
        let outcomes: Vec<_> = sending.buffer_unordered(AT_ONCE).collect().await;
        outcomes.into_iter().collect()
    }

    /// Reads what is new of a booking once, and sends it to all who follow it.
    async fn send_news(&self, id: BookingId, last: i32) -> Result<(), LiveError> {
        let (found, is_public) = self.news_of(id, last).await?;
        let Some(found) = found else {
            self.groups.with(id, |group| {
                for member in group.members.values() {
                    member.sender.end();
                }
            });
            return Ok(());
        };
        let moment = Moment::at(self.clock.now());
        self.groups.with(id, |group| {
            for member in group.members.values().filter(|member| !member.view.may_see(&found.booking)) {
                member.sender.end();
            }
        });
        let whole = View::Whole(None).shown(&self.bookings, &found)?;
        let public = is_public.then(|| View::Public.shown(&self.bookings, &found)).transpose()?;
        let mut burst = Burst::default();
        for step in &found.later {
            let piece = |shown: &Shown| {
                let order = Some((step.sequence.into(), 0));
                Ok::<_, serde_json::Error>(Piece { bytes: shown.event(Some(step))?.into(), order, replaces: None })
            };
            let public = public.as_ref().filter(|_| View::Public.shows(step));
            let (whole, public) = (piece(&whole)?, public.map(piece).transpose()?);
            self.groups.with(id, |group| {
                for Member { sender, view } in group.members.values() {
                    let piece = if *view == View::Public { public.as_ref() } else { Some(&whole) };
                    if let Some(piece) = piece {
                        sender.send(piece, moment);
                    }
                }
                group.sent.last = group.sent.last.max(Some(step.sequence));
            });
            let bytes = whole.bytes.len() + public.map_or(0, |public| public.bytes.len());
            burst.sent(bytes, || self.has_any(id, |member| member.sender.is_behind())).await;
        }
        let has_more = found.later.last().is_some_and(|last| found.booking.event_sequence > last.sequence);
        if has_more {
            self.groups.with(id, |group| group.sent.has_news = true);
            self.news.notify_one();
        }
        Ok(())
    }

    /// Reads a booking with the events after this number, and whether it was read for anyone who follows its shipment.
    async fn news_of(&self, id: BookingId, last: i32) -> Result<(Option<Since>, bool), LiveError> {
        let is_public = |member: &Member| member.view == View::Public;
        let mut wanted = Wanted { after: Some(last), newest: self.has_any(id, is_public) };
        let mut found = self.bookings.since(id, wanted).await?;
        if !wanted.newest && self.has_any(id, is_public) {
            // A public stream that joined during the reading may have begun with an earlier state. It is not sent these events again.
            wanted.newest = true;
            found = self.bookings.since(id, wanted).await?;
        }
        Ok((found, wanted.newest))
    }

    fn has_any(&self, id: BookingId, is_one: impl Fn(&Member) -> bool) -> bool {
        self.groups.with(id, |group| group.members.values().any(is_one)).unwrap_or_default()
    }
}

/// Takes steps for one portion. Returns it with the number of its last event; `None` after the last step.
fn portion(shown: &Shown, steps: &mut impl Iterator<Item = Step>) -> serde_json::Result<Option<(String, i32)>> {
    let (mut text, mut end) = (String::new(), None);
    while text.len() < PORTION
        && let Some(step) = steps.next()
    {
        if shown.view.shows(&step) {
            text += &shown.event(Some(&step))?;
        }
        end = Some(step.sequence);
    }
    Ok(end.map(|end| (text, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_repeats_no_event_to_others_and_misses_none_itself() {
        let mut sent = SentEvents::default();
        assert!(sent.admits(5));
        sent.last = Some(7);
        assert!(sent.admits(6), "it was there when 7 was sent");
        assert_eq!(sent.last, Some(7));
        assert!(!sent.admits(4), "5 was not sent to anyone");
        assert_eq!(sent.last, Some(7));
        assert!(sent.admits(9));
        assert_eq!(sent.last, Some(7), "8 and 9 are still to be sent to the others");
    }
}
