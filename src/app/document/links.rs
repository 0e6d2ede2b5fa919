//! Links from an answer with something new to what can be done with it.
use std::collections::BTreeMap;

use utoipa::openapi::{
    Components, Paths, RefOr, Response, Schema,
    link::{Link, LinkBuilder},
};

use super::{name_of, operations, responses};

/// What has an address of its own: a path with one parameter, and the operations there and below it.
struct Addressed {
    parameter: String,
    operations: Vec<String>,
}

/// Adds links to the responses by which something was made.
pub(super) fn add(paths: &mut Paths, components: &Components) {
    let addressed = addressed(paths);
    let shown = shown(paths);
    for (path, _, operation) in operations(paths) {
        for (_, response) in responses(operation).filter(|(status, _)| matches!(*status, "201" | "202")) {
            let schemas = schemas_of(response, components);
            let by_schema = schemas.iter().find_map(|schema| shown.get(schema));
            let Some(template) = by_schema.cloned().or_else(|| child(path, &addressed)) else { continue };
            let Some(found) = addressed.get(&template) else { continue };
            if let Some(member) = member(&schemas, components, &found.parameter) {
                let link = |id: &String| (id.clone(), RefOr::T(link(id, &found.parameter, member)));
                response.links = found.operations.iter().map(link).collect();
            }
        }
    }
}

fn link(operation: &str, parameter: &str, member: &str) -> Link {
    LinkBuilder::new().operation_id(operation).parameter(parameter, format!("$response.body#/{member}")).build()
}

/// Returns what has an address, by its path.
fn addressed(paths: &mut Paths) -> BTreeMap<String, Addressed> {
    let mut found = BTreeMap::<String, Addressed>::new();
    for (path, _, operation) in operations(paths).filter(|(path, _, _)| path.matches('{').count() == 1) {
        let Some((template, parameter)) = first_parameter(path) else { continue };
        let here = Addressed { parameter: parameter.to_owned(), operations: Vec::new() };
        let here = found.entry(template.to_owned()).or_insert(here);
        here.operations.extend(operation.operation_id.clone());
    }
    found
}

/// Returns a path up to its first parameter, with that, and its name.
fn first_parameter(path: &str) -> Option<(&str, &str)> {
    let (begin, end) = (path.find('{')?, path.find('}')?);
    Some((path.get(..=end)?, path.get(begin + 1..end)?))
}

/// Returns the paths at which resources are shown, by their schema.
fn shown(paths: &Paths) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (path, item) in &paths.paths {
        let is_address = first_parameter(path).is_some_and(|(template, _)| template == path);
        let Some(operation) = item.get.as_ref().filter(|_| is_address) else { continue };
        if let Some(RefOr::T(response)) = operation.responses.responses.get("200")
            && let Some(schema) = named(response)
        {
            found.insert(schema.to_owned(), path.clone());
        }
    }
    found
}

/// Returns the path of the resources in a list at `path`.
fn child(path: &str, addressed: &BTreeMap<String, Addressed>) -> Option<String> {
    let is_child = |template: &&String| template.strip_prefix(path).is_some_and(|rest| rest.starts_with("/{"));
    addressed.keys().find(is_child).cloned()
}

fn named(response: &Response) -> Option<&str> {
    match response.content.get("application/json")? {
        RefOr::T(content) => match content.schema.as_ref()? {
            RefOr::Ref(reference) => Some(name_of(reference)),
            RefOr::T(_) => None,
        },
        RefOr::Ref(_) => None,
    }
}

/// Returns the name of a response's schema, and of those that it extends.
fn schemas_of(response: &Response, components: &Components) -> Vec<String> {
    let Some(name) = named(response) else { return Vec::new() };
    let mut names = vec![name.to_owned()];
    if let Some(RefOr::T(Schema::AllOf(parts))) = components.schemas.get(name) {
        names.extend(parts.items.iter().filter_map(|part| match part {
            RefOr::Ref(reference) => Some(name_of(reference).to_owned()),
            RefOr::T(_) => None,
        }));
    }
    names
}

/// Returns the member that a parameter takes: of its name, or `iata_code` for a `code`.
fn member<'a>(schemas: &[String], components: &Components, parameter: &'a str) -> Option<&'a str> {
    let has = |member: &str| {
        schemas.iter().any(|schema| match components.schemas.get(schema) {
            Some(RefOr::T(Schema::Object(object))) => object.properties.contains_key(member),
            _ => false,
        })
    };
    [parameter, if parameter == "code" { "iata_code" } else { "id" }].into_iter().find(|member| has(member))
}
