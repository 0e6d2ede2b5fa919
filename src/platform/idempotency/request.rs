use std::convert::Infallible;

use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use uuid::Uuid;

use super::{Answer, Idempotency, Idempotent, Once};
use crate::platform::{
    tasks::Tasks,
    web::{Body, IfMatch, Precondition, Problem, Query, both, unless_missing},
};

/// A request to change one thing, but for what it is and who asks: read as a whole, judged in the order of the contract.
pub struct ChangeRequest {
    tasks: Tasks,
    idempotent: Idempotent,
    if_match: IfMatch,
    query: Query,
    body: Body,
}

/// On which condition a change is to be made, and that it is made once.
#[derive(Clone)]
pub struct Terms<T> {
    pub precondition: Precondition,
    pub once: Once<T>,
}

impl<S> FromRequest<S> for ChangeRequest
where
    S: Send + Sync,
    Tasks: FromRef<S>,
    Idempotency: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        let (mut parts, body) = request.into_parts();
        let Ok(query) = Query::from_request_parts(&mut parts, state).await;
        let Ok(idempotent) = Idempotent::from_request_parts(&mut parts, state).await;
        let Ok(if_match) = IfMatch::from_request_parts(&mut parts, state).await;
        let Ok(body) = Body::from_request(Request::from_parts(parts, body), state).await;
        Ok(Self { tasks: Tasks::from_ref(state), idempotent, if_match, query, body })
    }
}

impl ChangeRequest {
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// Makes the change that was `said`, once, and to the end also when the caller hangs up. That the thing is there for
    /// this caller to see comes before any fault of the request, and is asked again before an answer is repeated.
    pub async fn carry_out<T, R, V, X, E, F>(
        self,
        principal: Uuid,
        said: Result<R, Problem>,
        see: impl Fn() -> X,
        answer: impl Fn(&T) -> Answer + Send + Sync + 'static,
        work: impl FnOnce(R, Terms<T>) -> F,
    ) -> Result<Answer, Problem>
    where
        T: Send + 'static,
        X: Future<Output = Result<V, E>>,
        E: Into<Problem> + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let Self { tasks, idempotent, if_match, query, body } = self;
        let once = idempotent.once(principal, &body, answer);
        let judged = both(query.refuse_all(), both(said, both(once, if_match.read())));
        let exists = async || see().await.map(drop);
        let ((), (said, (once, precondition))) = unless_missing(judged, exists()).await?;
        let work = Box::pin(work(said, Terms { precondition, once: once.clone() }));
        let answer = tasks.to_the_end(async move { once.run(work).await }).await?;
        if answer.is_replayed() {
            exists().await.map_err(Into::into)?;
        }
        Ok(answer)
    }
}
