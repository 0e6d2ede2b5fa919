//! Who pays for what a request lets others do: PostgreSQL works for it while its task waits.
use std::{
    cell::RefCell,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// Charges an address for the time of others.
pub trait Cashier: Send + Sync {
    fn charge(&self, address: IpAddr, time: Duration);
}

type Payer = (Arc<dyn Cashier>, IpAddr);

thread_local! {
    static PAYER: RefCell<Option<Payer>> = const { RefCell::new(None) };
}

/// Ends what [`paying`] began, also on a panic.
struct Paying;

impl Drop for Paying {
    fn drop(&mut self) {
        PAYER.set(None);
    }
}

/// Runs a part of the work of a request, for which this address pays.
pub fn paying<T>(cashier: Arc<dyn Cashier>, address: IpAddr, work: impl FnOnce() -> T) -> T {
    PAYER.set(Some((cashier, address)));
    let _paying = Paying;
    work()
}

/// Waits for a statement whose time the request's address pays: one that reads more than requests usually do.
pub async fn paid<T>(statement: impl Future<Output = T>) -> T {
    let payer = PAYER.with_borrow(Clone::clone);
    let began = Instant::now();
    let done = statement.await;
    if let Some((cashier, address)) = payer {
        cashier.charge(address, began.elapsed());
    }
    done
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Book(Mutex<Vec<(IpAddr, Duration)>>);

    impl Cashier for Book {
        fn charge(&self, address: IpAddr, time: Duration) {
            self.0.lock().unwrap().push((address, time));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_statement_is_paid_by_the_address_whose_request_waits_for_it() {
        let (book, address) = (Arc::new(Book::default()), IpAddr::from([192, 0, 2, 1]));
        let mut statement = Box::pin(paid(std::future::pending::<()>()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(paying(book.clone(), address, || statement.as_mut().poll(&mut context)).is_pending());
        assert!(book.0.lock().unwrap().is_empty(), "it is not finished");
        let mut statement = Box::pin(paid(std::future::ready(())));
        assert!(paying(book.clone(), address, || statement.as_mut().poll(&mut context)).is_ready());
        paid(std::future::ready(())).await;
        assert_eq!(book.0.lock().unwrap().iter().map(|(who, _)| *who).collect::<Vec<_>>(), [address]);
    }
}
