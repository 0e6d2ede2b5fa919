use loadmaster_kernel::{BookingRef, words};
use loadmaster_platform::web::{
    Fields,
    bulk::{self, Ids},
    object, read, request, with,
};
use loadmaster_reference::Reference;

use super::{CancelBooking, RecordMovement};

words! {
    /// An action on many bookings.
    pub enum BulkAction {
        Depart = "depart",
        Arrive = "arrive",
        Deliver = "deliver",
        Cancel = "cancel",
        /// By the best way on from where the cargo is or will land.
        Reroute = "reroute",
    }
}

/// The body that applies to every row.
#[derive(Debug, Clone)]
pub enum BulkParams {
    Movement(RecordMovement),
    Cancel(CancelBooking),
    Nothing,
}

request! {
    /// An action on many bookings.
    pub struct BulkBookings in body(reference: &Reference) {
        action: BulkAction = read::word(BulkAction::WORDS),
        /// References.
        #[schema(value_type = Vec<BookingRef>, min_items = 1, max_items = 200)]
        ids: Ids<BookingRef> = bulk::ids(read::code),
        /// The body of the single call; nothing for `reroute`.
        #[schema(value_type = Option<Object>)]
        params: Option<BulkParams> = with(|fields| read_params(fields, action, reference)),
    }
}

fn read_params(fields: &mut Fields<'_>, action: Option<BulkAction>, reference: &Reference) -> Option<BulkParams> {
    match action {
        Some(BulkAction::Cancel) => {
            fields.optional("params", object(|inner| CancelBooking::read(inner).map(BulkParams::Cancel)))
        }
        Some(BulkAction::Depart | BulkAction::Arrive | BulkAction::Deliver) => {
            fields.optional("params", object(|inner| RecordMovement::read(inner, reference).map(BulkParams::Movement)))
        }
        Some(BulkAction::Reroute) => fields.optional("params", object(|_| Some(BulkParams::Nothing))),
        // The action is at fault, not what goes with it.
        None => fields.optional("params", |_| Ok(BulkParams::Nothing)),
    }
}
