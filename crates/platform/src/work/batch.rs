use std::{convert::Infallible, fmt::Display};

use axum::{
    Json,
    extract::{FromRef, FromRequest, Request},
    http::StatusCode,
    response::Response,
};
use uuid::Uuid;

use super::{Command, CreateRequest, Keyed, UnitOfWork, request::read_dry_run};
use crate::{
    idempotency::{Answer, Idempotency},
    tables::{ImportSummary, Table},
    web::{
        Body, PRIVATE, Problem, both,
        bulk::{self, BulkResult, Ids},
        private,
    },
};

/// An action as the keys of rows name it, the ids of the resources, and what its command needs of both.
pub type ForEach<I, T> = (String, Ids<I>, T);

/// A request about many resources: read as a whole, validated in the order of the contract.
pub struct BatchRequest(CreateRequest);

impl<S> FromRequest<S> for BatchRequest
where
    S: Send + Sync,
    UnitOfWork: FromRef<S>,
    Idempotency: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        CreateRequest::from_request(request, state).await.map(Self)
    }
}

impl BatchRequest {
    pub const fn body(&self) -> &Body {
        self.0.body()
    }

    /// Runs a command for each resource and answers with the result of each. `input` was read from the body.
    /// `path` is the path of the single call.
    pub async fn run_each<I, T, C>(
        self,
        principal: Uuid,
        input: Result<ForEach<I, T>, Problem>,
        path: impl Fn(&str) -> String,
        command: impl Fn(I, T) -> C,
        answer: impl Fn(&C::Done) -> Answer + Clone + Send + Sync + 'static,
    ) -> Result<Response, Problem>
    where
        I: Display,
        T: Clone,
        C: Command + 'static,
    {
        let CreateRequest { unit_of_work, idempotent, query, .. } = self.0;
        let input = both(idempotent.rows(principal), input);
        let ((), (keys, (action, ids, input))) = both(query.refuse_all(), input)?;
        let act = |id: I| {
            let name = id.to_string();
            let key = keys.of(&action, &name, &path(&name));
            let command = command(id, input.clone());
            let running = unit_of_work.run(Keyed { command, key, answer: Box::new(answer.clone()) });
            async move { running.await.map(drop) }
        };
        Ok(private(Json(BulkResult::from(bulk::each(ids.0, act).await))))
    }

    /// Runs the command that imports the table of the request, or with `dry_run` only counts what it would change.
    pub async fn import<C>(self, principal: Uuid, command: impl FnOnce(Table, bool) -> C) -> Result<Answer, Problem>
    where
        C: Command<Done = ImportSummary> + 'static,
    {
        let CreateRequest { unit_of_work, idempotent, query, body } = self.0;
        let key = idempotent.key(principal, &body);
        let (key, is_dry_run) = both(key, read_dry_run(&query))?;
        let command = command(Table::of(body)?, is_dry_run);
        let answer = |done: &ImportSummary| Answer::new(StatusCode::OK, done, PRIVATE);
        unit_of_work.run(Keyed { command, key, answer: Box::new(answer) }).await
    }
}
