/// The events counted for the summary of an installation.
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
    /// Number of kinds.
    pub const KINDS: usize = Self::CacheMisses as usize + 1;
}
