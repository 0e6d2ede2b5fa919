//! Fields: calls of REST, members of what it answered, and relations.
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{
    Value,
    dynamic::{Field, FieldFuture, FieldValue, Object, ResolverContext, TypeRef},
};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{
    load::Loaders,
    model::{Answer, Model, Place, Root, edge as edge_of},
    operations::{FLIGHT_ID, FLIGHT_IDS, OLDER},
    rest::{Answered, Call, Refused, Rest, encoded},
    value::{constant, sent, text},
};

/// What the fields of one request share.
pub(crate) struct Shared {
    pub model: Arc<Model>,
    pub rest: Rest,
    pub loaders: Loaders,
    /// The event to show, or the place for the call that opens its stream.
    pub event: Event,
    /// The fields whose answers were stored under their keys.
    pub replayed: Mutex<Vec<String>>,
}

/// What a subscription shows.
#[derive(Default)]
pub(crate) enum Event {
    #[default]
    None,
    /// The calls that the fields want to make are noted.
    Opening(Mutex<Vec<(Root, Call)>>),
    Shown(Json),
}

/// A page of a list.
struct Page {
    entries: Vec<Json>,
    end: Option<String>,
    total: Option<u64>,
}

struct Edge {
    page: Arc<Page>,
    place: usize,
}

/// Returns a member of what REST answered.
pub(crate) fn member<'a>(parent: &'a FieldValue<'a>, rest: &str, is_leaf: bool) -> FieldFuture<'a> {
    FieldFuture::Value(json_of(parent).and_then(|parent| parent.get(rest)).and_then(|json| shown(json, is_leaf)))
}

fn shown(json: &Json, is_leaf: bool) -> Option<FieldValue<'_>> {
    match json {
        Json::Null => None,
        leaf if is_leaf => Some(FieldValue::value(constant(leaf))),
        Json::Array(items) => Some(FieldValue::list(items.iter().map(|item| FieldValue::borrowed_any(item)))),
        object => Some(FieldValue::borrowed_any(object)),
    }
}

/// Returns the JSON that an object shows.
fn json_of<'a>(value: &'a FieldValue<'a>) -> Option<&'a Json> {
    value.downcast_ref::<Json>().or_else(|| value.downcast_ref::<Arc<Json>>().map(AsRef::as_ref))
}

/// Returns the flight of an object with the member `flight_id`.
pub(crate) fn flight(ctx: ResolverContext<'_>) -> FieldFuture<'_> {
    FieldFuture::new(async move {
        let id = json_of(ctx.parent_value).and_then(|parent| id(parent.get(FLIGHT_ID)?));
        let (Some(id), Ok(shared)) = (id, ctx.data::<Arc<Shared>>()) else { return Ok(None) };
        match shared.loaders.flight(id, ctx.look_ahead().field("feed").exists()).await {
            Ok(found) => Ok(found.map(FieldValue::owned_any)),
            Err(refused) => Ok(refuse(&ctx, &refused)),
        }
    })
}

/// Returns the flights of an object with the member `flight_ids`.
pub(crate) fn flights(ctx: ResolverContext<'_>) -> FieldFuture<'_> {
    FieldFuture::new(async move {
        let ids = json_of(ctx.parent_value).and_then(|parent| parent.get(FLIGHT_IDS)?.as_array());
        let (Some(ids), Ok(shared)) = (ids, ctx.data::<Arc<Shared>>()) else { return Ok(None) };
        let has_feed = ctx.look_ahead().field("feed").exists();
        let loading = ids.iter().filter_map(id).map(|id| shared.loaders.flight(id, has_feed));
        match futures_util::future::try_join_all(loading).await {
            Ok(found) => Ok(Some(FieldValue::list(found.into_iter().flatten().map(FieldValue::owned_any)))),
            Err(refused) => Ok(refuse(&ctx, &refused)),
        }
    })
}

/// Returns the payments of a booking.
pub(crate) fn payments(ctx: ResolverContext<'_>) -> FieldFuture<'_> {
    FieldFuture::new(async move {
        let id = json_of(ctx.parent_value).and_then(|parent| id(parent.get("id")?));
        let (Some(id), Ok(shared)) = (id, ctx.data::<Arc<Shared>>()) else { return Ok(None) };
        match shared.loaders.payments(id).await {
            Ok(found) => {
                let found = found.as_deref().and_then(Json::as_array).cloned().unwrap_or_default();
                Ok(Some(FieldValue::list(found.into_iter().map(FieldValue::owned_any))))
            }
            Err(refused) => Ok(refuse(&ctx, &refused)),
        }
    })
}

fn id(json: &Json) -> Option<Uuid> {
    json.as_str()?.parse().ok()
}

/// Notes an error. Its field is null.
fn refuse<'a>(ctx: &ResolverContext<'a>, refused: &Refused) -> Option<FieldValue<'a>> {
    ctx.add_error(refused.error(ctx));
    None
}

/// Calls REST for a field of a root.
pub(crate) fn root<'a>(root: &Root, ctx: ResolverContext<'a>) -> FieldFuture<'a> {
    let root = root.clone();
    FieldFuture::new(async move {
        let shared = ctx.data::<Arc<Shared>>()?;
        let is_counted =
            matches!(root.answer, Answer::Connection(_, true)) && ctx.look_ahead().field("totalCount").exists();
        let call = call(&root, &ctx, &shared.model, is_counted);
        match &shared.event {
            Event::None => {}
            Event::Opening(calls) => {
                calls.lock().unwrap_or_else(PoisonError::into_inner).push((root, call));
                return Ok(None);
            }
            Event::Shown(event) => return Ok(Some(FieldValue::owned_any(event.clone()))),
        }
        match shared.rest.call(call).await {
            Ok(answered) => {
                if answered.is_replayed() {
                    let field = ctx.field().alias().unwrap_or(root.name).to_owned();
                    shared.replayed.lock().unwrap_or_else(PoisonError::into_inner).push(field);
                }
                Ok(answer(&root.answer, answered))
            }
            Err(refused) => Ok(refuse(&ctx, &refused)),
        }
    })
}

/// Returns the request that the arguments of a field make.
fn call(root: &Root, ctx: &ResolverContext<'_>, model: &Model, is_counted: bool) -> Call {
    let method = root.method.parse().unwrap_or_default();
    let mut call = Call { method, template: root.path.clone(), ..Call::default() };
    let (mut path, mut query) = (root.path.clone(), Vec::new());
    for argument in &root.arguments {
        let Some(value) = ctx.args.get(&argument.name).map(|value| value.as_value().clone()) else { continue };
        let text = text(&value);
        match (&argument.place, text) {
            (Place::Path(name), text) => {
                let segment = encoded(&text.unwrap_or_default());
                path = path.replace(&format!("{{{name}}}"), &segment);
            }
            (Place::Query(name), Some(text)) => query.push(format!("{}={}", encoded(name), encoded(&text))),
            (Place::IdempotencyKey, text) => call.idempotency_key = text,
            (Place::IfMatch, text) => call.if_match = text.map(|tag| quoted(&tag)),
            (Place::Body, _) if value != Value::Null => call.body = Some(sent(model, &argument.of, &value)),
            _ => {}
        }
    }
    if is_counted {
        query.push("count=true".to_owned());
    }
    call.target = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
    call
}

/// Returns an entity tag as a header has it. The quotes may be left out: a text in a text would need them escaped.
fn quoted(tag: &str) -> String {
    let is_complete = tag.is_empty() || tag == "*" || tag.contains('"');
    if is_complete { tag.to_owned() } else { format!("\"{tag}\"") }
}

fn answer(of: &Answer, answered: Answered) -> Option<FieldValue<'static>> {
    match of {
        Answer::One(_) | Answer::Events { .. } => {
            let older = answered.cursor("prev");
            let mut body = answered.body;
            if let (Some(older), Json::Object(members)) = (older, &mut body) {
                members.insert(OLDER.to_owned(), older.into());
            }
            (body != Json::Null).then(|| FieldValue::owned_any(body))
        }
        Answer::Union(_, members) => {
            let (_, name) = members.iter().find(|(status, _)| *status == answered.status).or(members.first())?;
            Some(FieldValue::owned_any(answered.body).with_type(name.clone()))
        }
        Answer::List(_) => Some(FieldValue::list(entries(answered.body).into_iter().map(FieldValue::owned_any))),
        Answer::Connection(..) => {
            let (end, total) = (answered.cursor("next"), answered.total());
            Some(FieldValue::owned_any(Arc::new(Page { entries: entries(answered.body), end, total })))
        }
    }
}

fn entries(body: Json) -> Vec<Json> {
    if let Json::Array(entries) = body { entries } else { Vec::new() }
}

/// Returns the type of a page of a list.
pub(crate) fn connection(name: &str, item: &str, is_counted: bool) -> Object {
    let list = |of: &str| TypeRef::named_nn_list_nn(of.to_owned());
    let object = Object::new(name)
        .description("A page of a list.")
        .field(
            Field::new("edges", list(&edge_of(item)), |ctx| {
                let page = ctx.parent_value.downcast_ref::<Arc<Page>>();
                FieldFuture::Value(page.map(|page| {
                    let edge = |place| FieldValue::owned_any(Edge { page: page.clone(), place });
                    FieldValue::list((0..page.entries.len()).map(edge))
                }))
            })
            .description("Its entries, each with its cursor."),
        )
        .field(
            Field::new("nodes", list(item), |ctx| {
                let page = ctx.parent_value.downcast_ref::<Arc<Page>>();
                FieldFuture::Value(
                    page.map(|page| FieldValue::list(page.entries.iter().map(|entry| FieldValue::borrowed_any(entry)))),
                )
            })
            .description("Its entries."),
        )
        .field(
            Field::new("pageInfo", TypeRef::named_nn("PageInfo"), |ctx| {
                let page = ctx.parent_value.downcast_ref::<Arc<Page>>();
                FieldFuture::Value(page.map(|page| FieldValue::owned_any(page.clone())))
            })
            .description("Where it ends."),
        );
    if !is_counted {
        return object;
    }
    object.field(
        Field::new("totalCount", TypeRef::named("Int64"), |ctx| {
            let page = ctx.parent_value.downcast_ref::<Arc<Page>>();
            FieldFuture::Value(page.and_then(|page| page.total).map(FieldValue::value))
        })
        .description("Number of entries of the whole list, with the first page; null with `after`."),
    )
}

/// Returns the type of an entry with its cursor.
pub(crate) fn edge(name: &str, item: &str) -> Object {
    Object::new(name)
        .description("An entry of a list with its cursor.")
        .field(Field::new("cursor", TypeRef::named(TypeRef::STRING), |ctx| {
            let edge = ctx.parent_value.downcast_ref::<Edge>();
            let edge = edge.filter(|edge| edge.place + 1 == edge.page.entries.len());
            FieldFuture::Value(edge.and_then(|edge| edge.page.end.clone()).map(FieldValue::value))
        }).description("For `after`. Lists have a cursor for the end of each page alone: null for the other entries, and at the end of the list."))
        .field(Field::new("node", TypeRef::named_nn(item.to_owned()), |ctx| {
            let edge = ctx.parent_value.downcast_ref::<Edge>();
            FieldFuture::Value(edge.and_then(|edge| edge.page.entries.get(edge.place)).map(|entry| FieldValue::borrowed_any(entry)))
        }).description("The entry."))
}

/// Returns the type of a page's end.
pub(crate) fn page_info() -> Object {
    Object::new("PageInfo")
        .description("Where a page ends.")
        .field(
            Field::new("hasNextPage", TypeRef::named_nn(TypeRef::BOOLEAN), |ctx| {
                let page = ctx.parent_value.downcast_ref::<Arc<Page>>();
                FieldFuture::Value(page.map(|page| FieldValue::value(page.end.is_some())))
            })
            .description("Whether there are more entries."),
        )
        .field(
            Field::new("endCursor", TypeRef::named(TypeRef::STRING), |ctx| {
                let page = ctx.parent_value.downcast_ref::<Arc<Page>>();
                FieldFuture::Value(page.and_then(|page| page.end.clone()).map(FieldValue::value))
            })
            .description("For `after`, to get the next page; null at the end of the list."),
        )
}
