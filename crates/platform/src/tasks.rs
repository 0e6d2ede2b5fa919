use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};
use tracing::Instrument;

use super::{
    telemetry::Traced,
    web::{Problem, billed, carrying_request_id, owe},
};

/// Tasks for work that must not be dropped half-way: hyper drops a handler when its client disconnects, and with it any
/// open transaction. Shutdown waits for these tasks.
#[derive(Debug, Clone, Default)]
pub struct Tasks(TaskTracker);

impl Tasks {
    /// Runs `work` to its end even when the caller goes away; the work keeps its request id. A panic inside becomes a
    /// 500. What the work owes, the caller pays.
    pub async fn to_the_end<T, E>(
        &self,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Into<Problem> + Send + 'static,
    {
        match self.0.spawn(billed(carrying_request_id(work).in_same_trace().in_current_span())).await {
            Ok((outcome, owed)) => {
                owe(owed);
                outcome.map_err(Into::into)
            }
            Err(panic) => Err(Problem::internal(&panic)),
        }
    }

    /// Returns a token for work that is done elsewhere: shutdown waits until it is dropped.
    pub fn hold(&self) -> TaskTrackerToken {
        self.0.token()
    }

    /// Accepts no more work and waits for the running tasks.
    pub async fn drain(&self) {
        self.0.close();
        self.0.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::web::{paid, take_owed};

    #[tokio::test]
    async fn what_work_in_a_task_of_its_own_owes_its_caller_pays() {
        let time = Duration::from_millis(1);
        let reading = async move {
            let read = tokio::task::spawn_blocking(move || std::thread::sleep(time));
            paid(read).await.map_err(|error| Problem::internal(&error))
        };
        Tasks::default().to_the_end(reading).await.unwrap();
        assert!(take_owed() >= time);
    }
}
