//! The API's description, put together from what the rooms say of their operations.
mod examples;
mod headers;
mod links;
mod responses;
mod schemas;
#[cfg(test)]
mod tests;

use loadmaster_platform::web::{InputFault, ProblemBody};
use utoipa::openapi::{
    Components, ComponentsBuilder, ContactBuilder, HttpMethod, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
    Paths, Ref, RefOr, Response, Schema, ServerBuilder,
    extensions::Extensions,
    path::Operation,
    schema::ArrayBuilder,
    security::{Flow, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes, SecurityRequirement, SecurityScheme},
    tag::TagBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::{
    rooms::{ROOMS, growing},
    system, webhooks,
};

/// The tag of operations that belong to no room.
const SYSTEM: (&str, &str) = ("system", "Health, metrics and problem codes");

/// The names of the security schemes.
const BEARER: &str = "bearer";
const PASSWORD: &str = "password";
const NO_SCOPES: [&str; 0] = [];

/// As an SPDX expression.
const LICENCE: &str = "Apache-2.0 OR MIT";

const ABOUT: &str = include_str!("document/about.md");

/// Returns the frame into which the rooms' operations are put.
fn frame() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Loadmaster")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .contact(Some(ContactBuilder::new().name(Some("The Loadmaster contributors")).build()))
        .license(Some(LicenseBuilder::new().name(LICENCE).identifier(Some(LICENCE)).build()))
        .build();
    let tags = ROOMS.iter().flat_map(|room| room.tags).chain(&[SYSTEM, webhooks::MESSAGES]);
    let tags: Vec<_> =
        tags.map(|(name, text)| TagBuilder::new().name(*name).description(Some(*text)).build()).collect();
    let here = ServerBuilder::new().url("/").description(Some("This installation")).build();
    OpenApiBuilder::new().info(info).servers(Some([here])).tags(Some(tags)).components(Some(components())).build()
}

fn components() -> Components {
    let password = Flow::Password(Password::new("/api/v1/auth/token", Scopes::new()));
    let password = OAuth2::with_description(
        [password],
        "E-mail address and password of an account. There is no `client_id` or `client_secret`: leave them empty.",
    );
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    let bearer = bearer.description(Some(
        "An `access_token`, as registering and logging in answer it, or an API key; without the word `Bearer`.",
    ));
    ComponentsBuilder::new()
        .schema(ProblemBody::name(), problem())
        .schema(InputFault::name(), InputFault::schema())
        .security_scheme(PASSWORD, SecurityScheme::OAuth2(password))
        .security_scheme(BEARER, SecurityScheme::Http(bearer.build()))
        .build()
}

/// The shape of problems, with the member of the commonest one.
fn problem() -> RefOr<Schema> {
    let mut schema = ProblemBody::schema();
    if let RefOr::T(Schema::Object(object)) = &mut schema {
        let faults = ArrayBuilder::new().items(Ref::from_schema_name(InputFault::name()));
        let faults = faults.description(Some("All faults of the input, of `validation_failed`; of `invalid_cursor` and `invalid_token` what is not valid."));
        object.properties.insert("errors".to_owned(), faults.build().into());
    }
    schema
}

/// Builds the API's description from the code alone.
pub fn openapi() -> OpenApi {
    let mut document = frame();
    for room in ROOMS {
        document.merge((room.describe)());
    }
    document.merge(system::routes().describe());
    for (path, method, operation) in operations(&mut document.paths) {
        secure(operation);
        responses::complete(operation);
        headers::add_headers(path, &method, operation);
        examples::put(operation);
    }
    document.webhooks = Some(webhooks::sent());
    if let Some(components) = &mut document.components {
        responses::describe(&mut document.paths, components);
        schemas::close(&mut document.paths, components);
        ROOMS.iter().flat_map(|room| room.conditions).for_each(|condition| condition.state(components));
        links::add(&mut document.paths, components);
        headers::declare(components);
        name_growing(components);
    }
    document
}

/// All operations, each with its path and method.
fn operations(paths: &mut Paths) -> impl Iterator<Item = (&str, HttpMethod, &mut Operation)> {
    paths.paths.iter_mut().flat_map(|(path, item)| {
        let methods = [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Patch, &mut item.patch),
            (HttpMethod::Delete, &mut item.delete),
        ];
        methods.into_iter().filter_map(move |(method, operation)| Some((path.as_str(), method, operation.as_mut()?)))
    })
}

/// The responses of an operation, each with its status.
fn responses(operation: &mut Operation) -> impl Iterator<Item = (&str, &mut Response)> {
    operation.responses.responses.iter_mut().filter_map(|(status, response)| match response {
        RefOr::T(response) => Some((status.as_str(), response)),
        RefOr::Ref(_) => None,
    })
}

/// The name of the schema that is referred to.
fn name_of(reference: &Ref) -> &str {
    reference.ref_location.rsplit('/').next().unwrap_or_default()
}

/// Declares which credentials an operation asks for. Public ones ask for none, though an invalid one is refused there, too.
fn secure(operation: &mut Operation) {
    let is_restricted = ProblemBody::asks_for_credentials(&mut operation.responses);
    let schemes = [BEARER, PASSWORD].map(|scheme| SecurityRequirement::new(scheme, NO_SCOPES));
    operation.security = Some(if is_restricted { schemes.to_vec() } else { Vec::new() });
}

/// Says what the derived schemas cannot express: which enumerations may grow.
fn name_growing(components: &mut Components) {
    for (_, schema) in components.schemas.iter_mut().filter(|(name, _)| growing(name)) {
        if let RefOr::T(Schema::Object(object)) = schema
            && let Some(words) = object.enum_values.take()
        {
            let growing = Extensions::builder().add("x-extensible-enum", words).build();
            object.extensions.get_or_insert_default().merge(growing);
        }
    }
}
