//! Derives the roots of the schema from the operations of REST.
use std::sync::Arc;

use anyhow::Context;
use utoipa::openapi::{
    Components, OpenApi, Ref, RefOr, Response, Schema,
    path::{Operation, Parameter, ParameterIn},
};

use super::{
    derive::{Deriver, Way, name_of},
    introspection,
    model::{Answer, Argument, Kind, Member, Model, Place, Root, RootKind, Type, Use, camel, capitalized},
    operations::{BOOKINGS, FLIGHT, FLIGHT_ID, FLIGHT_IDS, LISTED, Listed, OLDER, PAYMENT, RESET, TRACKING, relation},
    page,
};

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// Derives the schema from the API's description.
pub(crate) fn derive(document: &OpenApi) -> anyhow::Result<Model> {
    let components = document.components.as_ref().context("the API's description has no components")?;
    let mut deriver = Deriver::new(&components.schemas);
    let roots = LISTED.iter().map(|listed| root(document, components, &mut deriver, listed));
    let roots: Vec<Arc<Root>> = roots.map(|root| root.map(Arc::new)).collect::<anyhow::Result<_>>()?;
    deriver.of_component(PAYMENT, Way::Output);
    let mut model = Model { types: deriver.types, roots, directives: Vec::new() };
    relate(&mut model);
    for root in &model.roots {
        if let Answer::Connection(item, is_counted) = &root.answer {
            model.types.extend(page::types(item, *is_counted));
        }
    }
    for name in [FLIGHT, PAYMENT] {
        let has_relation = model.members(name).iter().any(|member| relation(&model, name, member).is_some());
        anyhow::ensure!(!has_relation, "`{name}` refers to other things, which no answer has then");
    }
    for kind in [RootKind::Query, RootKind::Mutation, RootKind::Subscription] {
        let fields = model.roots.iter().filter(|root| root.kind == kind).map(|root| field(root)).collect();
        model.types.insert(kind.name().to_owned(), Type { about: None, kind: Kind::Object(fields) });
    }
    introspection::describe(&mut model)?;
    Ok(model)
}

/// Returns a root's field as its type describes it.
fn field(root: &Root) -> Member {
    let given = |argument: &Argument| Member {
        about: argument.about.clone(),
        ..Member::new(&argument.name, argument.of.clone(), None)
    };
    let arguments = root.arguments.iter().map(given).collect();
    let about = Some(root.about.clone().unwrap_or_else(|| capitalized(root.name)));
    Member { about, arguments, ..Member::new(root.name, root.answer.of(), None) }
}

/// Adds the relations that REST has no member for.
fn relate(model: &mut Model) {
    let flight = || Use::of(FLIGHT).nullable();
    for (name, of) in &mut model.types {
        let Kind::Object(members) = &mut of.kind else { continue };
        let has = |members: &[Member], name: &str| members.iter().any(|member| member.rest == name);
        let add = |members: &mut Vec<Member>, name: &str, of: Use, about: &str| {
            if !has(members, name) {
                members.push(Member { rest: name.to_owned(), ..Member::new(&camel(name), of, Some(about)) });
            }
        };
        if has(members, FLIGHT_ID) {
            add(members, "flight", flight(), "The flight of `flightId`.");
        }
        if has(members, FLIGHT_IDS) {
            let flights = Use::of(FLIGHT).list().nullable();
            add(members, "flights", flights, "The flights of `flightIds`, in their order.");
        }
        if BOOKINGS.contains(&name.as_str()) {
            let payments = Use::of(PAYMENT).list().nullable();
            add(members, "payments", payments, "The payments of the booking, oldest first.");
        }
        if name == TRACKING {
            let cursor = Use::of("String").nullable();
            add(members, OLDER, cursor, "The cursor of the older events, for `before`; null: there are none.");
        }
    }
}

fn root(
    document: &OpenApi,
    components: &Components,
    deriver: &mut Deriver<'_>,
    listed: &Listed,
) -> anyhow::Result<Root> {
    let Listed { kind, field, operation: id } = *listed;
    let (path, method, operation) = find(document, id).with_context(|| format!("REST has no operation `{id}`"))?;
    let answer = answer(components, deriver, operation, kind, field);
    let answer = answer.with_context(|| format!("`{id}` has no answer that GraphQL can show"))?;
    let mut arguments = parameters(deriver, operation, kind, &answer);
    arguments.extend(body(deriver, operation));
    arguments.sort_by_key(|argument| match argument.place {
        Place::Path(_) => 0,
        Place::Body => 1,
        Place::Query(_) => 2,
        Place::IdempotencyKey => 3,
        Place::IfMatch => 4,
    });
    let texts = [operation.summary.as_deref(), operation.description.as_deref()];
    let texts: Vec<&str> = texts.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    let about = Some(texts.join("\n\n")).filter(|about| !about.is_empty());
    Ok(Root { kind, name: field, about, method, path: path.to_owned(), arguments, answer })
}

fn find<'a>(document: &'a OpenApi, id: &str) -> Option<(&'a str, &'static str, &'a Operation)> {
    document.paths.paths.iter().find_map(|(path, item)| {
        let methods = [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PATCH", &item.patch),
            ("PUT", &item.put),
            ("DELETE", &item.delete),
        ];
        methods.into_iter().find_map(|(method, operation)| {
            let operation = operation.as_ref().filter(|operation| operation.operation_id.as_deref() == Some(id))?;
            Some((path.as_str(), method, operation))
        })
    })
}

fn parameters(deriver: &mut Deriver<'_>, operation: &Operation, kind: RootKind, answer: &Answer) -> Vec<Argument> {
    let parameters = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    });
    parameters.filter_map(|parameter| argument(deriver, parameter, kind, answer)).collect()
}

/// Streams have no parameters but their subject: clients of GraphQL send headers.
fn argument(deriver: &mut Deriver<'_>, parameter: &Parameter, kind: RootKind, answer: &Answer) -> Option<Argument> {
    let is_page = matches!(answer, Answer::Connection(..));
    let is_history = matches!(answer, Answer::One(name) if name == TRACKING);
    let rest = parameter.name.as_str();
    let (name, place) = match (&parameter.parameter_in, rest) {
        (ParameterIn::Path, _) => (camel(rest), Place::Path(rest.to_owned())),
        (ParameterIn::Query, _) if kind == RootKind::Subscription => return None,
        (ParameterIn::Query, "offset" | "count") if is_page => return None,
        (ParameterIn::Query, "limit") if is_history => ("last".to_owned(), Place::Query(rest.to_owned())),
        (ParameterIn::Query, "cursor") if is_history => ("before".to_owned(), Place::Query(rest.to_owned())),
        (ParameterIn::Query, "limit") => ("first".to_owned(), Place::Query(rest.to_owned())),
        (ParameterIn::Query, "cursor") => ("after".to_owned(), Place::Query(rest.to_owned())),
        (ParameterIn::Query, _) => (camel(rest), Place::Query(rest.to_owned())),
        (ParameterIn::Header, "Idempotency-Key") => ("idempotencyKey".to_owned(), Place::IdempotencyKey),
        (ParameterIn::Header, "If-Match") => ("ifMatch".to_owned(), Place::IfMatch),
        _ => return None,
    };
    let schema = parameter.schema.as_ref()?;
    let mut of = deriver.of(schema, Way::Input, &capitalized(&name));
    if rest == "limit" {
        of = Use::of("Int");
    }
    let is_optional = !matches!(parameter.required, utoipa::openapi::Required::True);
    let about = match name.as_str() {
        "after" => Some("The cursor after which the page begins: `endCursor` of the page before it.".to_owned()),
        "before" => Some("The cursor before which the events end: `olderCursor` of the answer before it.".to_owned()),
        _ => parameter.description.clone().or_else(|| deriver.about(schema)),
    };
    Some(Argument { name, of: of.or_null(is_optional), about, place })
}

fn body(deriver: &mut Deriver<'_>, operation: &Operation) -> Option<Argument> {
    let Some(RefOr::T(body)) = &operation.request_body else { return None };
    let Some(RefOr::T(content)) = body.content.get(JSON) else { return None };
    let schema = content.schema.as_ref()?;
    let is_optional =
        !matches!(body.required, Some(utoipa::openapi::Required::True)) && operation_allows_none(operation);
    let of = deriver.of(schema, Way::Input, "Body").or_null(is_optional);
    let about = Some("The members of REST's body. One that is absent is not sent; null is sent as null.".to_owned());
    Some(Argument { name: "input".to_owned(), of, about, place: Place::Body })
}

/// A patch needs a body although the description does not say so.
fn operation_allows_none(operation: &Operation) -> bool {
    operation.operation_id.as_deref() != Some("amendBooking")
}

/// Returns what the good answers of an operation are.
fn answer(
    components: &Components,
    deriver: &mut Deriver<'_>,
    operation: &Operation,
    kind: RootKind,
    field: &str,
) -> Option<Answer> {
    let good: Vec<(u16, &Response)> = operation
        .responses
        .responses
        .iter()
        .filter_map(|(status, response)| Some((status.parse().ok()?, resolved(components, response)?)))
        .filter(|(status, _)| (200..300).contains(status))
        .collect();
    if kind == RootKind::Subscription {
        let schema = schema_of(good.first()?.1, EVENTS)?;
        return events(components, deriver, schema, field);
    }
    let bodies: Vec<(u16, &RefOr<Schema>)> =
        good.iter().filter_map(|(status, response)| Some((*status, schema_of(response, JSON)?))).collect();
    if let [(_, one)] = bodies.as_slice() {
        let has = |name: &str| {
            operation.parameters.iter().flatten().any(|p| matches!(p, RefOr::T(parameter) if parameter.name == name))
        };
        return Some(match one {
            RefOr::T(Schema::Array(_)) => {
                let item = deriver.of(one, Way::Output, &capitalized(field));
                let name = item.name().to_owned();
                if has("cursor") { Answer::Connection(name, has("count")) } else { Answer::List(Use::of(name)) }
            }
            one => Answer::One(deriver.of(one, Way::Output, &capitalized(field)).name().to_owned()),
        });
    }
    let members: Vec<(u16, String)> = bodies
        .into_iter()
        .map(|(status, schema)| (status, deriver.of(schema, Way::Output, field).name().to_owned()))
        .collect();
    let name = format!("{}Result", capitalized(field));
    let kind = Kind::Union(members.iter().map(|(_, name)| name.clone()).collect());
    let about = Some("What became of the request.".to_owned());
    deriver.types.insert(name.clone(), Type { about, kind });
    (!members.is_empty()).then_some(Answer::Union(name, members))
}

/// Returns the type of a stream's events: the data of its only event, or an object with a member for each.
fn events(components: &Components, deriver: &mut Deriver<'_>, schema: &RefOr<Schema>, field: &str) -> Option<Answer> {
    let RefOr::Ref(reference) = schema else { return None };
    let Some(RefOr::T(Schema::Object(body))) = components.schemas.get(name_of(reference)) else { return None };
    let extensions = serde_json::to_value(body.extensions.as_ref()?).ok()?;
    let events = extensions.get("x-events")?.as_object()?.iter().filter(|(name, _)| *name != RESET);
    let mut members = Vec::new();
    for (event, described) in events {
        let location = described.get("data")?.get("$ref")?.as_str()?;
        let of = deriver.of_component(name_of(&Ref::new(location)), Way::Output).nullable();
        let about = described.get("description").and_then(|text| Some(text.as_str()?.to_owned()));
        members.push(Member { rest: event.clone(), about, ..Member::new(&camel(event), of, None) });
    }
    let about_reset = "Why the client must forget what it knew; null: it need not.";
    let reset = Member::new(RESET, Use::of("String").nullable(), Some(about_reset));
    if let [only] = members.as_slice()
        && let Some(Type { kind: Kind::Object(own), .. }) = deriver.types.get_mut(only.of.name())
    {
        own.push(reset);
        return Some(Answer::Events { of: only.of.name().to_owned(), is_whole: true });
    }
    members.push(reset);
    let name = format!("{}News", capitalized(field));
    let about = Some("An event of a stream: the member that has changed.".to_owned());
    deriver.types.insert(name.clone(), Type { about, kind: Kind::Object(members) });
    Some(Answer::Events { of: name, is_whole: false })
}

fn resolved<'a>(components: &'a Components, response: &'a RefOr<Response>) -> Option<&'a Response> {
    match response {
        RefOr::T(response) => Some(response),
        RefOr::Ref(reference) => match components.responses.get(name_of(reference)) {
            Some(RefOr::T(response)) => Some(response),
            _ => None,
        },
    }
}

fn schema_of<'a>(response: &'a Response, media_type: &str) -> Option<&'a RefOr<Schema>> {
    match response.content.get(media_type) {
        Some(RefOr::T(content)) => content.schema.as_ref(),
        _ => None,
    }
}
