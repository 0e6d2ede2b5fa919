use axum::{Json, http::StatusCode, response::Response};
use loadmaster_kernel::UserId;
use uuid::Uuid;

use super::{
    Entry, Listed,
    command::{Change, Create, End},
};

use crate::{
    idempotency::Answer,
    postgres::Recency,
    telemetry::{Traced, span},
    web::{CursorKey, IfNoneMatch, PRIVATE, PageFields, Problem, Query, conditional, linked, private, unless_missing},
    work::{ChangeRequest, CreateRequest},
};

/// Answers with a page of the entries in force. Only `reader` may use the cursor of the next page.
pub async fn list<E: Listed>(
    keeper: E::Keeper,
    key: CursorKey,
    recency: Recency,
    query: Query,
    reader: &str,
) -> Result<Response, Problem> {
    let page = query.read(|fields| Some(PageFields::read(fields)))?.open::<Uuid>(&key, &query, reader)?;
    let found = E::list(&keeper, &page, recency).in_span(span(E::LIST)).await;
    let mut found = found.map_err(Into::<Problem>::into)?;
    let last = page.cut(&mut found).map(E::id);
    let shown: Vec<_> = found.iter().map(E::shown).collect();
    let answer = linked(shown, last, &key, &query, reader);
    Ok(if E::CACHE == PRIVATE { private(answer) } else { answer })
}

/// Answers with an entry in force.
pub async fn show<E: Listed>(
    keeper: E::Keeper,
    id: Uuid,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { in_force::<E>(&keeper, id).await.map(drop) }).await?;
    let found = in_force::<E>(&keeper, id).in_span(span(E::FIND)).await;
    let entry = found.map_err(Into::<Problem>::into)?;
    Ok(conditional(&entry.version().to_string(), &if_none_match, E::CACHE, Json(entry.shown())))
}

/// Puts an entry into force.
pub async fn create<E: Entry>(
    keeper: E::Keeper,
    actor: UserId,
    terms: Result<E::Terms, Problem>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let answer =
        |entry: &E| answer(StatusCode::CREATED, entry).with_location(format!("/api/v1{}/{}", E::PATH, entry.id()));
    let command = move |terms| Create::<E> { keeper, actor, terms };
    request.run(actor.uuid(), terms, command, answer).await
}

/// Changes an entry in force.
pub async fn change<E: Entry>(
    keeper: E::Keeper,
    actor: UserId,
    id: Uuid,
    input: Result<E::Change, Problem>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    // An ended one too: its last change may be repeated under the same key.
    let judged = Box::pin(request.judge(actor.uuid(), input, || existing::<E>(&keeper, id))).await?;
    let command = |wanted, precondition| Change::<E> {
        keeper: keeper.clone(),
        actor,
        id,
        precondition,
        wanted,
        has_changed: false,
    };
    Box::pin(judged.run(command, |entry: &E| answer(StatusCode::OK, entry))).await
}

/// Ends an entry.
pub async fn end<E: Entry>(
    keeper: E::Keeper,
    actor: UserId,
    id: Uuid,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    // An ended one too: its end may be repeated under the same key.
    let judged = Box::pin(request.judge(actor.uuid(), input, || existing::<E>(&keeper, id))).await?;
    let command = |(), precondition| End::<E> { keeper: keeper.clone(), actor, id, precondition };
    Box::pin(judged.run(command, |entry: &E| answer(StatusCode::OK, entry))).await
}

fn answer<E: Entry>(status: StatusCode, entry: &E) -> Answer {
    Answer::new(status, &entry.shown(), E::CACHE).with_tag(entry.version().to_string())
}

async fn existing<E: Entry>(keeper: &E::Keeper, id: Uuid) -> Result<E, E::Error> {
    E::find(keeper, id).await?.ok_or_else(|| E::unknown(id))
}

async fn in_force<E: Entry>(keeper: &E::Keeper, id: Uuid) -> Result<E, E::Error> {
    let found = E::find(keeper, id).await?.filter(|entry| !entry.is_ended());
    found.ok_or_else(|| E::unknown(id))
}
