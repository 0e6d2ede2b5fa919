use loadmaster_kernel::words;

words! {
    /// How far popular lanes look back.
    pub enum PopularPeriod {
        /// 24 hours.
        Day = "day",
        /// Seven days.
        Week = "week",
        /// 30 days.
        Month = "month",
    }
}

/// A lane that is searched often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PopularLane {
    pub rank: i32,
    /// `None` if fewer searches than count were made in the period before.
    pub former_rank: Option<i32>,
    pub origin: String,
    pub destination: String,
    pub searches: i64,
    pub bookings: i64,
}
