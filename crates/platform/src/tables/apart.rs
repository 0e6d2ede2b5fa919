//! Reading a table takes up to seconds of a processor.
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{postgres::DbError, web::paid};

/// Number of tables that are read at the same time: the processors are for other requests, too.
static READING: Semaphore = Semaphore::const_new(2);

/// Reads a table on a blocking thread when it is its turn. The address of the request pays for the time.
pub async fn read_apart<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Result<T, DbError> {
    let stopped = || DbError::from(sqlx::Error::WorkerCrashed);
    let place = READING.acquire().await.map_err(|_| stopped())?;
    let reading = spawn_blocking(move || {
        // Held by the thread, which continues when the caller is gone.
        let _place = place;
        read()
    });
    paid(reading).await.map_err(|_| stopped())
}
