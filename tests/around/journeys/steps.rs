//! What can be done to flights and bookings, in small numbers: a journey is a list of these, and prints as the code
//! that repeats it.
use loadmaster_accounts::Role;
use proptest::{prelude::*, sample::select};

/// Who calls. The two customers are of different organizations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    Shipper,
    Rival,
    Operator,
    Admin,
    Guest,
}

impl Caller {
    pub const ALL: [Self; 5] = [Self::Shipper, Self::Rival, Self::Operator, Self::Admin, Self::Guest];

    pub const fn role(self) -> Role {
        match self {
            Self::Shipper | Self::Rival => Role::Customer,
            Self::Operator => Role::Operator,
            Self::Admin => Role::Admin,
            Self::Guest => Role::Guest,
        }
    }

    pub fn is_staff(self) -> bool {
        matches!(self, Self::Operator | Self::Admin)
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Lets so many minutes pass.
    Wait(i64),
    Book(Order),
    Act(Call),
    Amend(Amendment),
    Fly(Operation),
    Change(Alteration),
}

/// A shipment to book on the flights of one of [`super::model::ROUTES`].
#[derive(Debug, Clone, Copy)]
pub struct Order {
    pub by: Caller,
    pub route: usize,
    pub freight: Freight,
    /// A number of [`super::model::CODES`].
    pub codes: usize,
    pub awb: Option<usize>,
}

/// Something to do to a booking: picked by a number, modulo how many there are. It happens so many minutes from now.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub by: Caller,
    pub booking: usize,
    pub verb: Verb,
    pub at: Option<i64>,
    pub stale: bool,
}

/// A booking to patch.
#[derive(Debug, Clone, Copy)]
pub struct Amendment {
    pub by: Caller,
    pub booking: usize,
    pub patch: Patch,
    pub stale: bool,
}

/// Something to do to a flight.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    pub by: Caller,
    pub flight: usize,
    pub verb: Verb,
    pub at: Option<i64>,
    pub behind: [Option<Behind>; 2],
    pub stale: bool,
}

/// A flight to patch.
#[derive(Debug, Clone, Copy)]
pub struct Alteration {
    pub by: Caller,
    pub flight: usize,
    pub change: Change,
    pub offload: Option<Pick>,
    pub stale: bool,
}

/// In hectograms and litres; without a volume it follows the weight.
#[derive(Debug, Clone, Copy)]
pub struct Freight {
    pub pieces: i64,
    pub weight: i64,
    pub volume: Option<i64>,
    pub positions: i64,
}

/// What may be done to a booking, and but for delivering and deleting to a flight. Deleting is another word for
/// cancelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Depart,
    Arrive,
    Deliver,
    Cancel,
    Delete,
    /// Whatever brings it on.
    Next,
}

impl Verb {
    pub const fn action(self) -> &'static str {
        match self {
            Self::Depart | Self::Next => "depart",
            Self::Arrive => "arrive",
            Self::Deliver => "deliver",
            Self::Cancel | Self::Delete => "cancel",
        }
    }
}

/// A booking in a flight's step: one of those that are booked on it, or one of all.
#[derive(Debug, Clone, Copy)]
pub enum Pick {
    Aboard(usize),
    Whichever(usize),
}

/// A booking that stays on the ground when its flight leaves.
#[derive(Debug, Clone, Copy)]
pub struct Behind {
    pub pick: Pick,
    pub no_show: bool,
}

impl Behind {
    pub const fn reason(self) -> &'static str {
        if self.no_show { "NO_SHOW" } else { "OFFLOADED" }
    }
}

/// What a merge patch says of a member that can be cleared.
#[derive(Debug, Clone, Copy)]
pub enum To {
    Null,
    Set(i64),
}

/// The members of a booking's patch; those that are `None` are not sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Patch {
    pub pieces: Option<i64>,
    pub weight: Option<i64>,
    pub volume: Option<To>,
    pub positions: Option<To>,
    pub awb: Option<To>,
    pub description: Option<To>,
    /// A number of [`super::model::CODES`].
    pub codes: Option<To>,
    pub flights: Option<Route>,
}

impl Patch {
    /// The members of both; where both have one, this one's.
    fn and(self, other: Self) -> Self {
        Self {
            pieces: self.pieces.or(other.pieces),
            weight: self.weight.or(other.weight),
            volume: self.volume.or(other.volume),
            positions: self.positions.or(other.positions),
            awb: self.awb.or(other.awb),
            description: self.description.or(other.description),
            codes: self.codes.or(other.codes),
            flights: self.flights.or(other.flights),
        }
    }
}

/// The flights of a reroute: a number of one of the routes from where the freight is to where it goes, of any route, or
/// nonsense.
#[derive(Debug, Clone, Copy)]
pub enum Route {
    Fitting(usize),
    Any(usize),
    Empty,
    NoSuchFlight,
    NoId,
    NoList,
    Five,
}

/// What a patch of a flight says. Times are moved by minutes, and one that is not moved is not sent.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    Times { departure: i64, arrival: i64 },
    Cutoff { minutes: i64 },
    Weight { weight: i64 },
    Capacity { weight: i64, volume: i64, positions: i64 },
    Aircraft { freighter: bool },
    Nothing,
}

fn anyone() -> impl Strategy<Value = Caller> {
    prop_oneof![
        16 => Just(Caller::Operator), 4 => Just(Caller::Admin), 2 => Just(Caller::Shipper), 1 => Just(Caller::Rival),
        1 => Just(Caller::Guest)
    ]
}

fn shippers() -> impl Strategy<Value = Caller> {
    prop_oneof![
        24 => Just(Caller::Shipper), 4 => Just(Caller::Rival), 3 => Just(Caller::Operator), 1 => Just(Caller::Admin),
        1 => Just(Caller::Guest)
    ]
}

fn administrators() -> impl Strategy<Value = Caller> {
    prop_oneof![24 => Just(Caller::Admin), 1 => Just(Caller::Operator), 1 => Just(Caller::Shipper)]
}

fn now_and_then() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.05)
}

/// Mostly unsaid; five minutes ahead is the most that is let through.
fn instant() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![5 => Just(None), 1 => select(vec![5, 4, 0, -20, -90, 6]).prop_map(Some)]
}

fn book() -> impl Strategy<Value = Step> {
    let volume = prop_oneof![2 => Just(None), 1 => (100i64..2000).prop_map(Some)];
    let freight = (1i64..9, 200i64..2200, volume, prop_oneof![2 => Just(0i64), 1 => 1i64..3]);
    let freight = freight.prop_map(|(pieces, weight, volume, positions)| Freight { pieces, weight, volume, positions });
    let codes = prop_oneof![5 => Just(0usize), 1 => Just(1usize), 1 => Just(2usize)];
    let awb = prop_oneof![1 => Just(None), 1 => (0usize..3).prop_map(Some)];
    let route = prop_oneof![9 => 0usize..17, 1 => 17usize..super::model::ROUTES.len()];
    (shippers(), route, freight, codes, awb)
        .prop_map(|(by, route, freight, codes, awb)| Step::Book(Order { by, route, freight, codes, awb }))
}

fn act() -> impl Strategy<Value = Step> {
    let verb = prop_oneof![
        2 => Just(Verb::Depart), 2 => Just(Verb::Arrive), 2 => Just(Verb::Deliver), 1 => Just(Verb::Cancel),
        1 => Just(Verb::Delete), 12 => Just(Verb::Next)
    ];
    (anyone(), 0usize..8, verb, instant(), now_and_then())
        .prop_map(|(by, booking, verb, at, stale)| Step::Act(Call { by, booking, verb, at, stale }))
}

fn to(values: std::ops::Range<i64>) -> impl Strategy<Value = Option<To>> {
    prop_oneof![1 => Just(Some(To::Null)), 3 => values.prop_map(|value| Some(To::Set(value)))]
}

fn reroute() -> impl Strategy<Value = Patch> {
    let nonsense = select(vec![Route::Empty, Route::NoSuchFlight, Route::NoId, Route::NoList, Route::Five]);
    let route =
        prop_oneof![8 => (0usize..6).prop_map(Route::Fitting), 2 => (0usize..22).prop_map(Route::Any), 1 => nonsense];
    route.prop_map(|route| Patch { flights: Some(route), ..Patch::default() })
}

fn patch() -> impl Strategy<Value = Patch> {
    let member = || {
        prop_oneof![
            4 => (200i64..3000).prop_map(|weight| Patch { weight: Some(weight), ..Patch::default() }),
            2 => to(100..2500).prop_map(|volume| Patch { volume, ..Patch::default() }),
            2 => to(0..4).prop_map(|positions| Patch { positions, ..Patch::default() }),
            1 => (1i64..9).prop_map(|pieces| Patch { pieces: Some(pieces), ..Patch::default() }),
            2 => to(0..3).prop_map(|awb| Patch { awb, ..Patch::default() }),
            1 => to(0..2).prop_map(|description| Patch { description, ..Patch::default() }),
            2 => to(0..3).prop_map(|codes| Patch { codes, ..Patch::default() }),
            9 => reroute(),
        ]
    };
    prop_oneof![3 => member(), 1 => (member(), member()).prop_map(|(one, other)| one.and(other))]
}

fn amend() -> impl Strategy<Value = Step> {
    let by = prop_oneof![1 => shippers(), 1 => anyone()];
    (by, 0usize..8, patch(), now_and_then())
        .prop_map(|(by, booking, patch, stale)| Step::Amend(Amendment { by, booking, patch, stale }))
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![8 => (0usize..4).prop_map(Pick::Aboard), 1 => (0usize..8).prop_map(Pick::Whichever)]
}

fn fly() -> impl Strategy<Value = Step> {
    let verb =
        prop_oneof![2 => Just(Verb::Depart), 1 => Just(Verb::Arrive), 1 => Just(Verb::Cancel), 8 => Just(Verb::Next)];
    let behind = || {
        let one = (pick(), any::<bool>()).prop_map(|(pick, no_show)| Some(Behind { pick, no_show }));
        prop_oneof![4 => Just(None), 1 => one]
    };
    let by = prop_oneof![1 => anyone(), 1 => administrators()];
    (by, 0usize..7, verb, instant(), [behind(), behind()], now_and_then())
        .prop_map(|(by, flight, verb, at, behind, stale)| Step::Fly(Operation { by, flight, verb, at, behind, stale }))
}

fn change() -> impl Strategy<Value = Step> {
    // By whole flights now and then, so that connections break and cut-offs pass.
    let moved = || prop_oneof![Just(0i64), -90i64..90, -600i64..600];
    let whole = prop_oneof![-90i64..90, -600i64..600].prop_map(|by| Change::Times { departure: by, arrival: by });
    let capacity = (500i64..5000, 200i64..4000, 0i64..5).prop_map(|(weight, volume, positions)| Change::Capacity {
        weight,
        volume,
        positions,
    });
    let change = prop_oneof![
        5 => whole,
        3 => (moved(), moved()).prop_map(|(departure, arrival)| Change::Times { departure, arrival }),
        1 => (0i64..240).prop_map(|minutes| Change::Cutoff { minutes }),
        3 => (200i64..5000).prop_map(|weight| Change::Weight { weight }),
        3 => capacity,
        2 => any::<bool>().prop_map(|freighter| Change::Aircraft { freighter }),
        1 => Just(Change::Nothing),
    ];
    let offload = prop_oneof![2 => Just(None), 1 => pick().prop_map(Some)];
    (administrators(), 0usize..7, change, offload, now_and_then()).prop_map(|(by, flight, change, offload, stale)| {
        Step::Change(Alteration { by, flight, change, offload, stale })
    })
}

/// Some bookings to begin with, then anything in any order. Nothing keeps a failing journey from shrinking to one step.
pub fn journey() -> impl Strategy<Value = Vec<Step>> {
    // By whole hours mostly: cut-offs are at such.
    let wait = prop_oneof![2 => (1i64..5).prop_map(|hours| 60 * hours), 1 => 15i64..240];
    let any_step = prop_oneof![
        3 => wait.prop_map(Step::Wait),
        6 => book(),
        11 => act(),
        11 => amend(),
        7 => fly(),
        6 => change(),
    ];
    // The bookings come last in the pair: they are shrunk last, when little is left of what was done to them.
    (prop::collection::vec(any_step, 0..72), prop::collection::vec(book(), 0..8)).prop_map(|(then, mut steps)| {
        steps.extend(then);
        steps
    })
}
