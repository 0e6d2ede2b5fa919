//! Exports read and send much, and one of them is open to anyone: few run at a time.
use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::Method,
    response::{IntoResponse, Response},
};
use hyper::body::{Frame, SizeHint};
use loadmaster_accounts::{Credential, Principal};
use loadmaster_kernel::UserId;
use loadmaster_platform::{
    rate_limit::Verdict,
    web::{ClientAddress, Problem},
};

use super::occupancy::{Occupancy, Place};

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
    pub fn enter(&self, request: &Request, caller: Option<Principal>) -> Result<Option<Place<Caller>>, Box<Response>> {
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

    fn place(&self, caller: Caller) -> Result<Place<Caller>, Refused> {
        self.0.take(Some(caller), |in_all, own| {
            if own >= OF_ONE as usize {
                return Err(Refused::Caller);
            }
            if in_all >= OF_ALL { Err(Refused::All) } else { Ok(()) }
        })
    }
}

/// Keeps the place until the answer has been sent, or nobody reads it any more.
pub(super) fn keeping(place: Place<Caller>, response: Response) -> Response {
    response.map(|body| Body::new(Export { body, _place: place }))
}

struct Export {
    body: Body,
    _place: Place<Caller>,
}

impl HttpBody for Export {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
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
    use super::*;

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
