use std::sync::Arc;

use loadmaster_accounts::{Credential, Principal};
use loadmaster_bookings::{BookingError, BookingService};
use loadmaster_kernel::{BookingRef, FlightId};
use loadmaster_platform::{
    clock::SharedClock,
    streams::{Caller, Opened, Sending, Streams},
    web::ClientAddress,
};
use loadmaster_tracking::TrackingNumber;

use super::{
    audience::Audience,
    bookings::{BookingStreams, View},
    dto::StreamTicket,
    error::LiveError,
    filter::Filter,
    flights::FlightStreams,
    messages::MessageStreams,
    metric,
    ticket::{StreamPath, Tickets},
};

/// Opens streams. Cheap to clone.
#[derive(Clone)]
pub struct LiveService {
    pub(super) streams: Streams,
    pub(super) audience: Audience,
    pub(super) flights: FlightStreams,
    pub(super) booking_streams: BookingStreams,
    pub(super) messages: MessageStreams,
    pub(super) bookings: BookingService,
    pub(super) tickets: Tickets,
    pub(super) clock: SharedClock,
    /// The types of all messages.
    pub(super) types: Arc<[String]>,
}

/// Who opens a stream, and after which event.
#[derive(Debug, Default)]
pub(super) struct Listener {
    pub caller: Option<Principal>,
    pub address: Option<ClientAddress>,
    /// The id of the last event that it has.
    pub last: Option<String>,
}

impl LiveService {
    pub(super) fn ticket(&self, path: &StreamPath, caller: Principal) -> Result<StreamTicket, LiveError> {
        let (ticket, expires_at) = self.tickets.issue(path, caller, self.clock.now())?;
        Ok(StreamTicket { ticket, expires_at })
    }

    /// Returns whose ticket it is, if it is one for this path and its caller still has access.
    pub(super) async fn holder_of(&self, path: &str, ticket: &str) -> Result<Principal, LiveError> {
        let path = StreamPath::of(path).ok_or(LiveError::TicketInvalid)?;
        let holder = self.tickets.open(&path, ticket, self.clock.now()).ok_or(LiveError::TicketInvalid)?;
        if self.audience.is_admitted(&holder).await? { Ok(holder) } else { Err(LiveError::TicketInvalid) }
    }

    pub(super) async fn flight(&self, id: FlightId, listener: &Listener) -> Result<Sending, LiveError> {
        let organization = listener.caller.map(|caller| caller.organization_id);
        let opened = self.enter(metric::FLIGHT, listener)?;
        self.flights.start(id, organization, opened, listener.last.as_deref()).await
    }

    pub(super) async fn booking(
        &self,
        reference: &BookingRef,
        caller: Principal,
        listener: &Listener,
    ) -> Result<Sending, LiveError> {
        let opened = self.enter(metric::BOOKING, listener)?;
        let booking = self.bookings.visible(caller, reference).await?;
        let view = View::Whole(caller.sees_only());
        self.booking_streams.start(booking.id, view, opened, listener.last.as_deref()).await
    }

    pub(super) async fn tracking(&self, number: &TrackingNumber, listener: &Listener) -> Result<Sending, LiveError> {
        let opened = self.enter(metric::TRACKING, listener)?;
        let booking = number.booking(&self.bookings).await?;
        self.booking_streams.start(booking.id, View::Public, opened, listener.last.as_deref()).await
    }

    pub(super) async fn messages(&self, filter: Filter, listener: &Listener) -> Result<Sending, LiveError> {
        let opened = self.enter(metric::MESSAGES, listener)?;
        self.messages.start(filter, opened, listener.last.as_deref()).await
    }

    pub(super) async fn booking_exists(&self, caller: Principal, reference: &BookingRef) -> Result<(), BookingError> {
        self.bookings.visible(caller, reference).await.map(drop)
    }

    pub(super) async fn shipment_exists(&self, number: &TrackingNumber) -> Result<(), BookingError> {
        number.booking(&self.bookings).await.map(drop)
    }

    /// Takes a place. Anyone can have a guest's token: guests count by their address, as those without a token do.
    fn enter(&self, kind: &'static str, listener: &Listener) -> Result<Opened, LiveError> {
        let known = listener.caller.filter(|caller| caller.credential != Credential::Guest);
        let counted = match (known, listener.address) {
            (Some(caller), _) => Caller::Principal(caller.user_id.uuid()),
            (None, Some(address)) => Caller::Address(address.subscriber()),
            (None, None) => Caller::Unknown,
        };
        let mut opened = self.streams.enter(kind, counted).map_err(LiveError::Refused)?;
        if let Some(caller) = listener.caller {
            let listening = self.audience.join(caller, opened.sender());
            opened.keep(listening);
        }
        Ok(opened)
    }

    /// Updates the metrics.
    pub(super) fn measure(&self) {
        let open = self.streams.count();
        for kind in metric::KINDS {
            metric::STREAMS.with([kind]).set(open.get(kind).copied().unwrap_or_default());
        }
    }
}
