use std::{ops::Deref, sync::Arc, time::Duration};

use chrono::TimeDelta;
use loadmaster_accounts::Acts;
use loadmaster_capacity::CapacityService;
use loadmaster_embargoes::EmbargoService;
use loadmaster_flights::{self as flights, Flight, FlightService};
use loadmaster_holds::{HoldService, PriceTerms};
use loadmaster_kernel::{BookingId, BookingRef, Counted, Dimensions, FlightId, QuoteId, UserId, Weight};
use loadmaster_payments::PaymentService;
use loadmaster_platform::{
    clock::SharedClock,
    locks::{FifoLock, Locks},
    postgres::{Database, DbError},
    random::IdSource,
    secrets::ServerSecrets,
    tally::Tally,
};
use loadmaster_pricing::{self as pricing, PricingService};
use loadmaster_search::SearchService;
use loadmaster_shipment::{self as shipment, Fit, Surroundings};

use super::metric;
use super::{
    BookingError,
    claim_token::ClaimSeal,
    draft::Author,
    dto::BookingBody,
    model::{Action, Booking},
    own::OwnBookings,
    reads::{Reads, reads},
    reference::{KnownReferences, ReferenceSource},
    repository,
};

/// Limits on the work on bookings.
#[derive(Debug, Clone, Copy)]
pub struct BookingLimits {
    /// Latest departure of a booking without flights and date, in hours from now.
    pub auto_route_hours: u32,
    /// Limit of amendments of one booking within an hour; 0: no limit.
    pub amendments_per_hour: u32,
    /// Largest number of bookings that a step of a flight changes in its own transaction.
    pub moved_at_once: u32,
    /// Longest time for which a movement may be reported afterwards.
    pub backdate: TimeDelta,
    /// Time limit of a request.
    pub request_time: Duration,
}

impl BookingLimits {
    pub(super) fn moved_at_once(&self) -> usize {
        usize::try_from(self.moved_at_once).unwrap_or(usize::MAX).max(1)
    }
}

/// The use cases of shipments, a file per verb: `book`, `movement`, `correct`, `amend`, `reroute`, `cancel`, `find`, `list`;
/// `aboard` changes all bookings on a flight. Cheap to clone.
#[derive(Clone)]
pub struct BookingService(Arc<Parts>);

/// What it stands on.
#[derive(Clone)]
pub struct Parts {
    pub(super) db: Database,
    pub(super) capacity: CapacityService,
    pub(super) flights: FlightService,
    pub(super) embargoes: EmbargoService,
    pub(super) search: SearchService,
    pub(super) holds: HoldService,
    pub(super) pricing: PricingService,
    pub(super) payments: PaymentService,
    pub(super) acts: Acts,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    pub(super) references: ReferenceSource,
    pub(super) claims: ClaimSeal,
    pub(super) known: KnownReferences,
    pub(super) reads: Reads,
    pub(super) own: OwnBookings,
    pub(super) locks: Locks,
    /// The queues of this process for changes of bookings.
    pub(super) lines: FifoLock<BookingRef>,
    pub(super) limits: BookingLimits,
    tally: Tally,
}

impl Deref for BookingService {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl BookingService {
    #[allow(clippy::too_many_arguments, reason = "each is one thing that it stands on")]
    pub fn new(
        db: Database,
        locks: Locks,
        capacity: CapacityService,
        flights: FlightService,
        embargoes: EmbargoService,
        search: SearchService,
        holds: HoldService,
        pricing: PricingService,
        payments: PaymentService,
        acts: Acts,
        clock: SharedClock,
        ids: IdSource,
        secrets: &ServerSecrets,
        limits: BookingLimits,
        tally: Tally,
    ) -> Self {
        let (references, claims) = (ReferenceSource::new(secrets), ClaimSeal::new(secrets));
        let own = OwnBookings::default();
        let (known, reads, lines) = (KnownReferences::default(), reads(&db), FifoLock::default());
        Self(Arc::new(Parts {
            db,
            capacity,
            flights,
            embargoes,
            search,
            holds,
            pricing,
            payments,
            acts,
            clock,
            ids,
            references,
            claims,
            known,
            reads,
            own,
            locks,
            lines,
            limits,
            tally,
        }))
    }

    /// Describes a booking.
    pub fn body(&self, booking: &Booking) -> BookingBody {
        BookingBody::new(booking, self.surroundings())
    }

    /// Returns what holds and bookings show besides what is stored of them.
    pub fn surroundings(&self) -> &Surroundings {
        self.holds.surroundings()
    }

    /// Returns the settings of prices and payments.
    pub(super) fn price_terms(&self) -> PriceTerms {
        PriceTerms {
            is_required: self.pricing.requires_quote(),
            quoted_for: self.pricing.quote_minutes(),
            has_provider: self.payments.provider().is_some(),
            guests_on_invoice: self.payments.guests_on_invoice(),
        }
    }

    /// Starts the refunds that a commit may have promised. To be called after the commit.
    pub(super) fn start_refunds(&self, booking: &Booking) {
        if booking.bill.is_some() {
            self.payments.wake();
        }
    }

    /// Returns the flights of a quote; none of one that does not exist.
    pub(super) async fn flights_of_quote(&self, quote: QuoteId) -> Result<Vec<FlightId>, BookingError> {
        let mut connection = self.db.read().await?;
        let found = pricing::quotes_in_tx(&mut connection, &[quote]).await?;
        Ok(found.iter().flat_map(|quote| quote.flight_ids().collect::<Vec<_>>()).collect())
    }

    /// Invalidates the space on the booking's flights; call it after the commit.
    pub(super) fn changed(&self, booking: &Booking) {
        self.capacity.changed(booking.legs.iter().map(|leg| leg.flight_id));
    }

    /// Returns the flights that these bookings are or were on.
    pub async fn flights_of(&self, bookings: &[BookingId]) -> Result<Vec<FlightId>, DbError> {
        let ids: Vec<_> = bookings.iter().map(|booking| booking.uuid()).collect();
        let mut connection = self.db.read().await?;
        Ok(repository::flights_of(&mut connection, &ids).await?)
    }

    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self(Arc::new(Parts {
            db: self.db.for_background(),
            holds: self.holds.for_background(),
            pricing: self.pricing.for_background(),
            payments: self.payments.for_background(),
            ..Parts::clone(self)
        }))
    }

    /// Returns the same service on a connection of its own, which waits no longer than this for a lock.
    pub(super) fn on_its_own_connection(&self, lock: Duration) -> Self {
        Self(Arc::new(Parts { db: self.db.own_connection(lock), ..Parts::clone(self) }))
    }

    /// Counts a new booking.
    pub(super) fn count_created(&self, weight: Weight) {
        self.tally.add(Counted::BookingsCreated, 1);
        metric::BOOKED_GRAMS.increment(weight.grams());
    }

    /// Counts bookings that took a step.
    pub fn count(&self, action: Action, bookings: usize) {
        let counted = match action {
            Action::Depart => Counted::BookingsDeparted,
            Action::Arrive => Counted::BookingsArrived,
            Action::Deliver => Counted::BookingsDelivered,
            Action::Cancel => Counted::BookingsCancelled,
            Action::Amend => return,
        };
        self.tally.add(counted, bookings);
        let steps = u64::try_from(bookings).unwrap_or_default();
        metric::BOOKING_ACTIONS.with([action.as_str()]).increment(steps);
    }

    /// Returns the author of changes made now.
    pub(super) fn author(&self, actor: Option<UserId>) -> Author<'_> {
        Author { ids: &self.ids, actor, now: self.clock.now() }
    }

    /// Refuses flights on which a piece of these dimensions does not fit.
    pub(super) async fn check_fit(&self, flights: &[FlightId], dimensions: &Dimensions) -> Result<(), BookingError> {
        let flights = flights::find_all_in_tx(&mut *self.db.read().await?, flights).await?;
        Ok(shipment::check_fit(&flights, Fit::of(Some(dimensions), &self.surroundings().reference))?)
    }

    /// Returns whether each piece of the booking fits on each of these flights.
    pub(super) fn fits(&self, booking: &Booking, flights: &[Flight]) -> bool {
        let fit = Fit::of(booking.dimensions.as_ref(), &self.surroundings().reference);
        shipment::check_fit(flights, fit).is_ok()
    }

    /// Returns whether the booking's legs ahead do not lead to its destination.
    pub(super) fn lacks_a_way(&self, booking: &Booking) -> bool {
        booking.lacks_a_way(|airport| self.flights.connections().minimum(airport))
    }
}
