use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures_util::future::BoxFuture;
use loadmaster_bookings::BOOKING;
use loadmaster_flights::FlightService;
use loadmaster_platform::{
    follower::Follower,
    outbox::Entry,
    room::{Opened, Opening, Room},
};
use tokio_util::sync::CancellationToken;

use super::{
    audience::Audience,
    bookings::BookingStreams,
    error::code,
    flights::FlightStreams,
    messages::MessageStreams,
    metric::METRICS,
    router::{self, HandlerState},
    service::LiveService,
    ticket::Tickets,
};

pub const ROOM: Room = Room {
    tags: &[("streams", "What happens, as it happens")],
    features: &["streams"],
    codes: code::CODES,
    metrics: METRICS,
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("live")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { db, clock, streams, secrets, timing, .. } = opening;
    let flights: FlightService = opening.service()?;
    let flight_streams =
        FlightStreams::new(flights.clone(), opening.service()?, opening.service()?, opening.service()?, clock.clone());
    let live = LiveService {
        streams: streams.clone(),
        audience: Audience::new(opening.service()?),
        flights: flight_streams,
        booking_streams: BookingStreams::new(opening.service()?, clock.clone()),
        messages: MessageStreams::new(db, &flights, clock.clone(), &secrets.namespace),
        bookings: opening.service()?,
        tickets: Tickets::new(secrets),
        clock: clock.clone(),
        types: opening.message_types.clone(),
    };
    let routes = router::routes().with_state(&HandlerState::of(opening, live.clone(), opening.service()?));
    let follower = Some(Arc::new(StreamFollower { live: live.clone(), has_begun: AtomicBool::new(false) }) as _);
    let (flights, bookings) = (live.flights.for_background(), live.booking_streams.for_background());
    let (messages, audience, access) = (live.messages.clone(), live.audience.clone(), timing.access);
    let keeping = streams.clone();
    Ok(Opened { routes, follower, ..Opened::default() }
        .working(|stop| keeping.keep(stop))
        .working(|stop| flights.run(stop))
        .working(|stop| bookings.run(stop))
        .working(|stop| messages.run(stop))
        .working(move |stop| audience.watch(access, stop))
        .measured(move || live.measure()))
}

/// Notifies those who send what somebody follows that there is something new.
struct StreamFollower {
    live: LiveService,
    has_begun: AtomicBool,
}

impl Follower for StreamFollower {
    /// What was sent may not be true in another database: clients come back, and begin anew if their ids lead nowhere.
    fn start<'a>(&'a self, _: &'a CancellationToken) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async {
            if self.has_begun.swap(true, Ordering::AcqRel) {
                self.live.messages.start_anew().await;
                self.live.streams.end_those_open();
            }
            Ok(())
        })
    }

    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async {
            if !messages.is_empty() {
                self.live.flights.hear();
                self.live.booking_streams.hear(messages.iter().filter(|message| message.aggregate == BOOKING));
            }
            Ok(())
        })
    }
}
