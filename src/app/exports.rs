//! Exports read and send much, and one of them is open to anyone: few run at a time. One takes minutes: it ends with the access of
//! its caller.
use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::Method,
    response::{IntoResponse, Response},
};
use futures_util::future::BoxFuture;
use hyper::body::{Frame, SizeHint};
use loadmaster_accounts::{Authenticator, Credential, Principal};
use loadmaster_kernel::UserId;
use loadmaster_platform::{
    rate_limit::Verdict,
    web::{ClientAddress, Problem},
};
use tokio::time::Instant;

use super::occupancy::{Occupancy, Slot};

/// Exports that run at a time, of one caller and of all.
const OF_ONE: u32 = 2;
const OF_ALL: usize = 8;
/// Seconds after which a caller asks again: most exports take less.
const RETRY_AFTER: u32 = 5;

/// The caller whose exports are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    User(UserId),
    /// Strangers and guests.
    Address(IpAddr),
}

/// The running exports.
#[derive(Debug, Default)]
pub(super) struct Exports(Arc<Occupancy<Caller>>);

#[derive(Debug, PartialEq, Eq)]
enum Refused {
    Caller,
    All,
}

impl Exports {
    /// Gives a place to an export; to any other request it gives none, and needs none.
    pub fn enter(&self, request: &Request, caller: Option<Principal>) -> Result<Option<Slot<Caller>>, Box<Response>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) || !request.uri().path().ends_with("/export") {
            return Ok(None);
        }
        let user =
            caller.filter(|caller| caller.credential != Credential::Guest).map(|caller| Caller::User(caller.user_id));
        let address =
            || request.extensions().get::<ClientAddress>().map(|address| Caller::Address(address.subscriber()));
        let Some(caller) = user.or_else(address) else { return Ok(None) };
        self.place(caller).map(Some).map_err(|refused| {
            let problem = match refused {
                Refused::Caller => {
                    let verdict = Verdict { limit: OF_ONE, remaining: 0, reset: RETRY_AFTER, is_admitted: false };
                    Problem::limited(verdict, format!("You have {OF_ONE} exports in progress, which is the limit."))
                }
                Refused::All => {
                    Problem::unavailable("The server has reached its limit of concurrent exports; try again shortly.")
                        .retry_after(RETRY_AFTER)
                }
            };
            Box::new(problem.into_response())
        })
    }

    fn place(&self, caller: Caller) -> Result<Slot<Caller>, Refused> {
        self.0.take(Some(caller), |in_all, own| {
            if own >= OF_ONE as usize {
                return Err(Refused::Caller);
            }
            if in_all >= OF_ALL { Err(Refused::All) } else { Ok(()) }
        })
    }
}

/// Keeps the place until the answer has been sent, or nobody reads it any more.
pub(super) fn keeping(place: Slot<Caller>, access: Option<Access>, response: Response) -> Response {
    response.map(|body| Body::new(Export { body, access, _place: place }))
}

struct Export {
    body: Body,
    access: Option<Access>,
    _place: Slot<Caller>,
}

/// Judges a caller again and again while an answer is sent.
pub(super) struct Access {
    judge: Box<dyn Fn() -> BoxFuture<'static, bool> + Send>,
    judging: Option<BoxFuture<'static, bool>>,
    interval: Duration,
    due_at: Instant,
}

impl Access {
    /// The access of a caller. While it is not known, the answer goes on.
    pub fn of(caller: Principal, callers: &Authenticator, interval: Duration) -> Self {
        let callers = callers.clone();
        Self::judged_by(interval, move || {
            let callers = callers.clone();
            Box::pin(async move { callers.is_still_admitted(&caller).await.unwrap_or(true) })
        })
    }

    fn judged_by(interval: Duration, judge: impl Fn() -> BoxFuture<'static, bool> + Send + 'static) -> Self {
        Self { judge: Box::new(judge), judging: None, interval, due_at: Instant::now() }
    }

    fn poll_admitted(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        if self.judging.is_none() && Instant::now() < self.due_at {
            return Poll::Ready(true);
        }
        let judging = self.judging.get_or_insert_with(|| (self.judge)());
        let is_admitted = ready!(judging.as_mut().poll(context));
        (self.judging, self.due_at) = (None, Instant::now() + self.interval);
        Poll::Ready(is_admitted)
    }
}

impl HttpBody for Export {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(access) = &mut self.access
            && !ready!(access.poll_admitted(context))
        {
            tracing::warn!("an export broke off: its caller has no access any more");
            return Poll::Ready(Some(Err(axum::Error::new("the access of the caller has ended"))));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::{FutureExt, StreamExt, stream};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_caller_is_judged_at_the_first_part_of_an_export_and_then_every_ten_seconds() {
        let judged = Arc::new(AtomicUsize::new(0));
        let count = judged.clone();
        let interval = Duration::from_secs(10);
        let access = Access::judged_by(interval, move || {
            let is_admitted = count.fetch_add(1, Ordering::Relaxed) < 2;
            async move { is_admitted }.boxed()
        });
        let pages = Body::from_stream(stream::repeat_with(|| Ok::<_, axum::Error>(Bytes::from_static(b"page"))));
        let place = Exports::default().place(Caller::Address([192, 0, 2, 1].into())).unwrap();
        let mut sent = keeping(place, Some(access), Response::new(pages)).into_body().into_data_stream();
        for (wait, times) in [(0, 1), (9, 1), (1, 2), (5, 2)] {
            tokio::time::advance(Duration::from_secs(wait)).await;
            sent.next().await.unwrap().unwrap();
            assert_eq!(judged.load(Ordering::Relaxed), times);
        }
        tokio::time::advance(interval).await;
        sent.next().await.unwrap().unwrap_err();
    }

    #[test]
    fn a_caller_has_two_places_and_all_callers_have_eight() {
        let exports = Exports::default();
        let address = |last| Caller::Address([192, 0, 2, last].into());
        let mut places: Vec<_> = (0..2).map(|_| exports.place(address(0)).unwrap()).collect();
        assert_eq!(exports.place(address(0)).unwrap_err(), Refused::Caller);
        places.extend((2..8).map(|last| exports.place(address(last)).unwrap()));
        assert_eq!(exports.place(address(8)).unwrap_err(), Refused::All);
        places.remove(0);
        places.push(exports.place(address(8)).unwrap());
        drop(places);
        assert!(exports.0.taken().by_holder.is_empty(), "callers without an export are forgotten");
    }
}
