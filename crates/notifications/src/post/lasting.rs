use std::time::Duration;

use loadmaster_platform::{outage::OutageLog, postgres::DbError};

/// Shortest and longest pause before an outcome that the database did not take is recorded again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Repeats work on the tables for as long as the database is away, also beyond the end of the claim: an outcome that is
/// forgotten is a letter that is sent twice. `what` is the warning.
pub(super) async fn lasting<F>(what: &'static str, mut work: impl FnMut() -> F) -> Result<(), DbError>
where
    F: Future<Output = Result<(), DbError>>,
{
    let (mut pause, longest) = PAUSES;
    let mut outage = OutageLog::new(what);
    loop {
        match outage.note(work().await) {
            Err(error) if error.is_overload() || matches!(error, DbError::OutcomeUnknown(_)) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(longest);
            }
            ended => return ended,
        }
    }
}
