//! PostgreSQL and blocking threads work for a request while its task waits. [`paid`] notes their time, and whoever measures the
//! work of the request adds it to the bill.
use std::{
    cell::Cell,
    future::poll_fn,
    pin::pin,
    time::{Duration, Instant},
};

thread_local! {
    /// What the work that runs on this thread owes.
    static OWED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Waits for a statement whose time the request's address pays: one that reads more than requests usually do.
pub async fn paid<T>(statement: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = statement.await;
    owe(began.elapsed());
    done
}

/// Runs work in a task of its own, whose thread nobody measures. Returns what the work owes, too.
pub(crate) async fn billed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let mut work = pin!(work);
    let mut owed = Duration::ZERO;
    poll_fn(|context| {
        let of_others = take_owed();
        let done = work.as_mut().poll(context);
        owed += OWED.replace(of_others);
        done.map(|done| (done, owed))
    })
    .await
}

/// Notes time that the work on this thread owes.
pub(crate) fn owe(time: Duration) {
    OWED.set(OWED.get() + time);
}

/// Returns the noted time of the work that has just run on this thread, and clears it.
pub fn take_owed() -> Duration {
    OWED.take()
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn a_statement_is_owed_once_when_it_has_ended() {
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(paid(std::future::pending::<()>())).poll(&mut context).is_pending());
        assert_eq!(take_owed(), Duration::ZERO, "it is not finished");
        let time = Duration::from_millis(1);
        let statement = paid(async { std::thread::sleep(time) });
        assert!(pin!(statement).poll(&mut context).is_ready());
        assert!(take_owed() >= time);
        assert_eq!(take_owed(), Duration::ZERO);
    }
}
