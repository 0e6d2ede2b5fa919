/// What is counted for the summary of an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    BookingsCreated,
    BookingsDeparted,
    BookingsArrived,
    BookingsDelivered,
    BookingsCancelled,
    RouteSearches,
    CacheHits,
    CacheMisses,
}

impl Counted {
    /// How many kinds there are.
    pub const KINDS: usize = Self::CacheMisses as usize + 1;
}
