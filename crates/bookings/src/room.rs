use std::{collections::HashSet, sync::Arc};

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use loadmaster_accounts::SessionService;
use loadmaster_kernel::BookingId;
use loadmaster_platform::{
    follower::Follower,
    outbox::Entry,
    postgres::Tables,
    room::{Data, Messages, Opened, Opening, Room, Unfinished},
};

use loadmaster_shipment::BookingContact;

use super::{
    BOOKING, BookingLimits, BookingService, EventType,
    audit::AUDIT,
    code,
    courtesy::LOCK,
    demanding::SizesAboard,
    desk::{Desk, DeskLimits},
    dto::{BulkBookings, CreateBooking, PaymentRequest},
    metric::METRICS,
    model::BookingMessage,
    past::PAST,
    router::{self, HandlerState},
};

pub const ROOM: Room = Room {
    tags: &[("bookings", "Bookings, their legs and their histories")],
    features: &["booking", "amending"],
    growing: &["LegStatus", "EventType", "Action", "FeeReason"],
    conditions: &[CreateBooking::NEEDS, BookingContact::NEEDS, BulkBookings::NEEDS, PaymentRequest::NEEDS],
    codes: code::CODES,
    metrics: METRICS,
    labels: &[("lock", &[LOCK])],
    tables: Tables {
        history: &["booking_events"],
        kept: &["bookings", "booking_legs", "booking_refs"],
        ..Tables::NONE
    },
    messages: &[Messages {
        aggregate: BOOKING,
        event_types: EventType::NAMES,
        about: &EventType::ABOUT,
        subject: "the booking's ref_id",
        data: Data::of::<BookingMessage<'_>>,
    }],
    past: Some(PAST),
    audit: AUDIT,
    unfinished: &[Unfinished {
        what: "bookings that are neither delivered nor cancelled",
        count: "select count(*), min(ref_id) from bookings where id < $1 and status not in ('DELIVERED', 'CANCELLED')",
    }],
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("bookings")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, ids, locks, secrets, tally, tasks, .. } = opening;
    let limits = BookingLimits {
        auto_route_hours: settings.booking.auto_route_hours,
        amendments_per_hour: settings.booking.amendments_per_hour,
        moved_at_once: settings.booking.moved_at_once,
        backdate: TimeDelta::days(settings.operations.backdate_days.into()),
        request_time: settings.server.request_timeout(),
    };
    let bookings = BookingService::new(
        db.clone(),
        locks.clone(),
        opening.service()?,
        opening.service()?,
        opening.service()?,
        opening.service()?,
        opening.service()?,
        opening.service()?,
        opening.service()?,
        opening.service()?,
        clock.clone(),
        ids.clone(),
        secrets,
        limits,
        tally.clone(),
    );
    bookings.flights.know_freight(Arc::new(SizesAboard(bookings.surroundings().reference.clone())));
    let desk = DeskLimits { lanes: settings.desk.lanes, batch: settings.desk.batch, queue: settings.desk.queue };
    let desk = Desk::open(&bookings, desk, tasks.clone());
    bookings.payments.know_desk(Arc::new(desk.for_background()));
    opening.service::<SessionService>()?.open_claims(Arc::new(bookings.clone()));
    let routes =
        router::routes().with_state(&HandlerState::of(opening, bookings.clone(), desk.clone(), opening.service()?));
    let follower = Some(Arc::new(BookingFollower(bookings.for_background())) as Arc<dyn Follower>);
    let personal = Some(Arc::new(bookings.clone()) as _);
    let sweeping = desk.for_background();
    let opened = Opened { routes, follower, personal, ..Opened::default() }.with(bookings).with(desk);
    Ok(opened.working(|stop| sweeping.sweep_payments(stop)))
}

/// Invalidates the space on a booking's flights, which any change of the booking may have altered.
struct BookingFollower(BookingService);

impl BookingFollower {
    /// A booking that this process has made itself is known already.
    async fn hear_all(&self, messages: &[Entry]) -> anyhow::Result<()> {
        let booked = EventType::Booked.as_str();
        let is_known = |message: &Entry, booking| message.event_type == booked && self.0.own.heard(booking);
        let mut changed = HashSet::<BookingId>::new();
        for message in messages.iter().filter(|message| message.aggregate == BOOKING) {
            let booking = message.aggregate_id.into();
            if !is_known(message, booking) {
                changed.insert(booking);
            }
        }
        if !changed.is_empty() {
            let changed: Vec<BookingId> = changed.into_iter().collect();
            self.0.capacity.changed(self.0.flights_of(&changed).await?);
        }
        Ok(())
    }
}

impl Follower for BookingFollower {
    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(self.hear_all(messages))
    }
}
