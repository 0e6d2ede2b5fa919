use loadmaster_kernel::{BookingRef, Fault, FaultCode, FlightId, words};
use loadmaster_platform::web::{
    Condition, Fields, ProblemBody,
    bulk::{self, Ids, MOST_IDS, RowOutcome},
    condition::{any, reference},
    list, object, objects, read, request, with,
};
use loadmaster_reference::Reference;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{CancelBooking, MOST_FLIGHTS, RecordMovement};

words! {
    /// An action on many bookings.
    pub enum BulkAction {
        Depart = "depart",
        Arrive = "arrive",
        Deliver = "deliver",
        Cancel = "cancel",
        /// By the chosen route, or else by the one that arrives first, from where the cargo is or will land.
        Reroute = "reroute",
    }
}

/// The body that applies to every row.
#[derive(Debug, Clone)]
pub enum BulkParams {
    Movement(RecordMovement),
    Cancel(CancelBooking),
    Reroute(ChosenRoutes),
    Nothing,
}

request! {
    /// The choices of the caller for the rows of `reroute`.
    #[derive(Default)]
    pub struct ChosenRoutes in body {
        /// At most one for each of `ids`.
        #[schema(max_items = 200)]
        routes: Vec<ChosenRoute> = objects(MOST_IDS, ChosenRoute::read),
    }
}

request! {
    /// The choice for one booking.
    pub struct ChosenRoute in body {
        /// One of `ids`.
        ref_id: BookingRef = read::code,
        /// One to four flights, in order, tried before all others.
        #[schema(max_items = 4)]
        flight_ids: Vec<FlightId> = list(MOST_FLIGHTS, read::code),
        /// The version of the booking for which the choice was made; another one is 412.
        version: Option<i32> = read::integer(1, i32::MAX),
    }
}

impl BulkParams {
    /// Returns the part that applies to one row. Choices for other rows are none of it: a repetition may leave them out.
    pub fn of_row(&self, booking: &BookingRef) -> Option<Self> {
        match self {
            Self::Reroute(chosen) => {
                let own = chosen.of(booking)?.clone();
                Some(Self::Reroute(ChosenRoutes { routes: vec![own] }))
            }
            params => Some(params.clone()),
        }
    }
}

impl ChosenRoutes {
    /// Returns the choice for a booking.
    pub fn of(&self, booking: &BookingRef) -> Option<&ChosenRoute> {
        self.routes.iter().find(|route| route.ref_id == *booking)
    }

    /// Reports choices for bookings that are not among the rows, and second ones for the same booking.
    fn check(self, fields: &mut Fields<'_>, rows: Option<&Ids<BookingRef>>) -> Option<Self> {
        let mut is_sound = true;
        for (at, route) in self.routes.iter().enumerate() {
            let text = if self.routes[..at].iter().any(|before| before.ref_id == route.ref_id) {
                "names what an earlier entry names"
            } else if rows.is_some_and(|rows| !rows.0.contains(&route.ref_id)) {
                "must be one of `ids`"
            } else {
                continue;
            };
            is_sound = false;
            fields.fault_of_member(("routes", at), "ref_id", &Fault::new(FaultCode::UnknownValue, text));
        }
        is_sound.then_some(self)
    }
}

request! {
    /// An action on many bookings.
    pub struct BulkBookings in body(reference: &Reference) {
        action: BulkAction = read::word(BulkAction::WORDS),
        /// References.
        #[schema(value_type = Vec<BookingRef>, min_items = 1, max_items = 200)]
        ids: Ids<BookingRef> = bulk::ids(read::code),
        /// The body of the single call. For `reroute`: `{"routes": [{"ref_id", "flight_ids"?, "version"?}]}`, the routes
        /// to try first.
        #[schema(value_type = Option<Object>)]
        params: Option<BulkParams> = with(|fields| read_params(fields, (action, ids.as_ref()), reference)),
    }
}

impl BulkBookings {
    /// The body of the single call that the action is.
    pub const NEEDS: Condition = Condition::of::<Self>(&["params"], || {
        let of = |actions: &[&str], params: &Value| json!({ "properties": { "action": { "enum": actions }, "params": params } });
        let nothing = json!({ "type": "null" });
        any(&[
            of(&["cancel"], &any(&[reference::<CancelBooking>(), nothing.clone()])),
            of(&["depart", "arrive", "deliver"], &any(&[reference::<RecordMovement>(), nothing])),
            of(&["reroute"], &json!({ "maxProperties": 0 })),
        ])
    });
}

fn read_params(
    fields: &mut Fields<'_>,
    (action, rows): (Option<BulkAction>, Option<&Ids<BookingRef>>),
    reference: &Reference,
) -> Option<BulkParams> {
    match action {
        Some(BulkAction::Cancel) => {
            fields.optional("params", object(|inner| CancelBooking::read(inner).map(BulkParams::Cancel)))
        }
        Some(BulkAction::Depart | BulkAction::Arrive | BulkAction::Deliver) => {
            fields.optional("params", object(|inner| RecordMovement::read(inner, reference).map(BulkParams::Movement)))
        }
        Some(BulkAction::Reroute) => {
            let read = |inner: &mut Fields<'_>| ChosenRoutes::read(inner)?.check(inner, rows).map(BulkParams::Reroute);
            fields.optional("params", object(read))
        }
        // The action is at fault, not what goes with it.
        None => fields.optional("params", |_| Ok(BulkParams::Nothing)),
    }
}

/// The results of an action on many bookings.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkBookingsResult {
    /// Number that succeeded.
    pub succeeded: usize,
    /// Number that failed.
    pub failed: usize,
    /// One for each of `ids`, in their order.
    #[schema(max_items = 200)]
    pub results: Vec<BulkBookingsRow>,
}

/// The result for one booking.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkBookingsRow {
    #[schema(value_type = BookingRef)]
    pub id: String,
    /// Whether the action succeeded.
    pub ok: bool,
    /// Why nothing was done: the problem of the single call.
    #[schema(required)]
    pub problem: Option<ProblemBody>,
    /// The flights of the route that a row of `reroute` took, in order, from where the cargo is or will land. Null if it was
    /// refused, and for other actions.
    #[schema(required, max_items = 4)]
    pub flight_ids: Option<Vec<FlightId>>,
}

impl From<Vec<RowOutcome<Option<Vec<FlightId>>>>> for BulkBookingsResult {
    fn from(rows: Vec<RowOutcome<Option<Vec<FlightId>>>>) -> Self {
        let row = |RowOutcome { id, outcome }| match outcome {
            Ok(flight_ids) => BulkBookingsRow { id, ok: true, problem: None, flight_ids },
            Err(problem) => BulkBookingsRow { id, ok: false, problem: Some(problem), flight_ids: None },
        };
        let results: Vec<BulkBookingsRow> = rows.into_iter().map(row).collect();
        let succeeded = results.iter().filter(|row| row.ok).count();
        Self { succeeded, failed: results.len() - succeeded, results }
    }
}
