use std::convert::Infallible;

use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use uuid::Uuid;

use super::{Command, Keyed, UnitOfWork};
use crate::{
    idempotency::{Answer, Idempotency, Idempotent, Key},
    web::{Body, IfMatch, Precondition, Problem, Query, both, read, unless_missing},
};

/// A request that creates a resource, or acts without a precondition: read as a whole, validated in the order of the contract.
pub struct CreateRequest {
    pub(super) unit_of_work: UnitOfWork,
    pub(super) idempotent: Idempotent,
    pub(super) query: Query,
    pub(super) body: Body,
}

impl<S> FromRequest<S> for CreateRequest
where
    S: Send + Sync,
    UnitOfWork: FromRef<S>,
    Idempotency: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        let Ok(ChangeRequest { unit_of_work, idempotent, query, body, .. }) =
            ChangeRequest::from_request(request, state).await;
        Ok(Self { unit_of_work, idempotent, query, body })
    }
}

impl CreateRequest {
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// Runs the command of the request, whose `input` was read from the body.
    pub async fn run<T, C: Command + 'static>(
        self,
        principal: Uuid,
        input: Result<T, Problem>,
        command: impl FnOnce(T) -> C,
        answer: impl Fn(&C::Done) -> Answer + Send + Sync + 'static,
    ) -> Result<Answer, Problem> {
        let unit_of_work = self.unit_of_work.clone();
        let (key, input) = self.judge(principal, input)?;
        unit_of_work.run(Keyed { command: command(input), key, answer: Box::new(answer) }).await
    }

    /// Validates the request, whose `input` was read from the body. Returns its key, for what does it once per key.
    pub fn judge<T>(self, principal: Uuid, input: Result<T, Problem>) -> Result<(Key, T), Problem> {
        let Self { idempotent, query, body, .. } = self;
        let key = idempotent.key(principal, &body);
        let ((), judged) = both(query.refuse_all(), both(key, input))?;
        Ok(judged)
    }
}

/// A request that changes one resource: read as a whole, validated in the order of the contract.
pub struct ChangeRequest {
    unit_of_work: UnitOfWork,
    idempotent: Idempotent,
    if_match: IfMatch,
    query: Query,
    body: Body,
}

impl<S> FromRequest<S> for ChangeRequest
where
    S: Send + Sync,
    UnitOfWork: FromRef<S>,
    Idempotency: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        let (mut parts, body) = request.into_parts();
        let Ok(query) = Query::from_request_parts(&mut parts, state).await;
        let Ok(idempotent) = Idempotent::from_request_parts(&mut parts, state).await;
        let Ok(if_match) = IfMatch::from_request_parts(&mut parts, state).await;
        let Ok(body) = Body::from_request(Request::from_parts(parts, body), state).await;
        Ok(Self { unit_of_work: UnitOfWork::from_ref(state), idempotent, if_match, query, body })
    }
}

impl ChangeRequest {
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// Refuses the request without `If-Match`: what replaces a whole resource says which version it replaces.
    #[must_use]
    pub fn needing_version(self) -> Self {
        Self { if_match: self.if_match.required(), ..self }
    }

    /// Validates the request, whose `input` was read from the body. A resource missing for this caller (`see`) takes
    /// precedence over any fault.
    pub async fn judge<T, S, F, V, E>(
        self,
        principal: Uuid,
        input: Result<T, Problem>,
        see: S,
    ) -> Result<Judged<T, S>, Problem>
    where
        S: Fn() -> F,
        F: Future<Output = Result<V, E>>,
        E: Into<Problem>,
    {
        let ((), judged) = self.judge_with(principal, Query::refuse_all, input, see).await?;
        Ok(judged)
    }

    /// As [`Self::judge`], for an operation that can be asked for a `dry_run`. Returns whether it was.
    pub async fn judge_or_rehearse<T, S, F, V, E>(
        self,
        principal: Uuid,
        input: Result<T, Problem>,
        see: S,
    ) -> Result<(bool, Judged<T, S>), Problem>
    where
        S: Fn() -> F,
        F: Future<Output = Result<V, E>>,
        E: Into<Problem>,
    {
        self.judge_with(principal, read_dry_run, input, see).await
    }

    async fn judge_with<P, T, S, F, V, E>(
        self,
        principal: Uuid,
        read: impl FnOnce(&Query) -> Result<P, Problem>,
        input: Result<T, Problem>,
        see: S,
    ) -> Result<(P, Judged<T, S>), Problem>
    where
        S: Fn() -> F,
        F: Future<Output = Result<V, E>>,
        E: Into<Problem>,
    {
        let Self { unit_of_work, idempotent, if_match, query, body } = self;
        let key = idempotent.key(principal, &body);
        let judged = both(read(&query), both(input, both(key, if_match.read())));
        let (parameters, (input, (key, precondition))) =
            unless_missing(judged, async { see().await.map(drop) }).await?;
        Ok((parameters, Judged { input, precondition, key, unit_of_work, see }))
    }
}

/// Reads the only parameter of an operation that can be tried without effect.
pub(super) fn read_dry_run(query: &Query) -> Result<bool, Problem> {
    query.read(|fields| Some(fields.optional("dry_run", read::boolean).unwrap_or_default()))
}

/// A request without faults.
pub struct Judged<T, S> {
    input: T,
    precondition: Precondition,
    key: Key,
    unit_of_work: UnitOfWork,
    see: S,
}

impl<T, S> Judged<T, S> {
    /// Runs the command of the request. An answer is repeated only to a caller who may still see the resource.
    pub async fn run<C, F, V, E>(
        self,
        command: impl FnOnce(T, Precondition) -> C,
        answer: impl Fn(&C::Done) -> Answer + Send + Sync + 'static,
    ) -> Result<Answer, Problem>
    where
        C: Command + 'static,
        S: Fn() -> F,
        F: Future<Output = Result<V, E>>,
        E: Into<Problem>,
    {
        let unit_of_work = self.unit_of_work.clone();
        let work = async |input, precondition, key| {
            let command = command(input, precondition);
            unit_of_work.run(Keyed { command, key, answer: Box::new(answer) }).await
        };
        self.carry_out(work).await
    }

    /// Runs the command of the request and takes it back: returns what it would have done.
    pub async fn rehearse<C>(self, command: impl FnOnce(T, Precondition) -> C) -> Result<C::Done, Problem>
    where
        C: Command + 'static,
        C::Done: 'static,
    {
        let Self { input, precondition, unit_of_work, .. } = self;
        unit_of_work.rehearse(command(input, precondition)).await
    }

    /// Carries out the request by what does so once per key. An answer is repeated only to a caller who may still see
    /// the resource.
    pub async fn carry_out<F, V, E>(
        self,
        work: impl AsyncFnOnce(T, Precondition, Key) -> Result<Answer, Problem>,
    ) -> Result<Answer, Problem>
    where
        S: Fn() -> F,
        F: Future<Output = Result<V, E>>,
        E: Into<Problem>,
    {
        let Self { input, precondition, key, see, .. } = self;
        let answer = work(input, precondition, key).await?;
        if answer.is_replayed() {
            see().await.map_err(Into::into)?;
        }
        Ok(answer)
    }
}
