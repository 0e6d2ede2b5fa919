//! What operations leave unsaid of their responses: that any request can have too large headers, that people get refusals as
//! pages where they get pages, and descriptions of the responses that are what their bodies are.
use loadmaster_platform::web::{ProblemBody, code};
use utoipa::openapi::{Components, Paths, RefOr, Response, Schema, path::Operation, schema::ArrayItems};

use super::{name_of, operations, responses};

const PAGE_OF_HTML: &str = "text/html";

const NOT_MODIFIED: &str = "It is still the version that `If-None-Match` names: there is no body.";
const NO_CONTENT: &str = "Done: there is no body.";
const CREATED: &str = "What was made: ";
const PAGE: &str = "A page of the list.";
const LIST: &str = "The whole list.";
const TABLE: &str = "The table.";
const IMAGE: &str = "The image.";

pub(super) fn describe(paths: &mut Paths, components: &Components) {
    for (_, _, operation) in operations(paths) {
        for (status, response) in responses(operation) {
            if response.description.is_empty() {
                response.description = description(status, response, components);
            }
        }
    }
}

fn description(status: &str, response: &Response, components: &Components) -> String {
    let Some((media_type, RefOr::T(content))) = response.content.first() else {
        return if status == "304" { NOT_MODIFIED } else { NO_CONTENT }.to_owned();
    };
    if media_type == "text/csv" {
        return TABLE.to_owned();
    }
    if media_type.starts_with("image/") {
        return IMAGE.to_owned();
    }
    let text = content.schema.as_ref().map(|schema| text_of(schema, components)).unwrap_or_default();
    match content.schema.as_ref() {
        Some(RefOr::T(Schema::Array(_))) => {
            let extent = if response.headers.contains_key("Link") { PAGE } else { LIST };
            format!("{extent} An entry: {}", lowered(&text))
        }
        _ if status == "201" => format!("{CREATED}{}", lowered(&text)),
        _ => text,
    }
}

/// Adds the refusals that all operations have in common.
pub(super) fn complete(operation: &mut Operation) {
    for (status, response) in ProblemBody::grouped(&[]) {
        if status == code::HEADERS_TOO_LARGE.status().as_str() {
            operation.responses.responses.entry(status).or_insert(response);
        }
    }
    let page = responses(operation).find_map(|(_, response)| response.content.get(PAGE_OF_HTML).cloned());
    if let Some(page) = page {
        for (_, refusal) in responses(operation).filter(|(status, _)| *status == "400") {
            refusal.content.insert(PAGE_OF_HTML.to_owned(), page.clone());
        }
    }
}

/// Returns the first paragraph of a schema's description, of a list that of its entries.
fn text_of(schema: &RefOr<Schema>, components: &Components) -> String {
    let found = match schema {
        RefOr::Ref(reference) => {
            let named = components.schemas.get(name_of(reference));
            return named.map(|schema| text_of(schema, components)).unwrap_or_default();
        }
        RefOr::T(Schema::Array(list)) => match &list.items {
            ArrayItems::RefOrSchema(entry) => return text_of(entry, components),
            ArrayItems::False => None,
        },
        RefOr::T(schema) => own_text(schema),
    };
    let first = found.and_then(|text| text.split("\n\n").next());
    first.unwrap_or_default().replace('\n', " ")
}

const fn own_text(schema: &Schema) -> Option<&String> {
    match schema {
        Schema::Object(object) => object.description.as_ref(),
        Schema::Array(list) => list.description.as_ref(),
        Schema::AllOf(parts) => parts.description.as_ref(),
        Schema::OneOf(shapes) => shapes.description.as_ref(),
        Schema::AnyOf(shapes) => shapes.description.as_ref(),
        _ => None,
    }
}

/// The sentence as it stands after a colon: an article begins small.
fn lowered(text: &str) -> String {
    for article in ["A ", "An ", "The "] {
        if let Some(rest) = text.strip_prefix(article) {
            return format!("{}{rest}", article.to_lowercase());
        }
    }
    text.to_owned()
}
