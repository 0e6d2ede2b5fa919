use utoipa::openapi::{
    Components, ComponentsBuilder, ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Schema,
    extensions::Extensions,
    security::{Flow, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes, SecurityRequirement, SecurityScheme},
    tag::TagBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::{rooms::ROOMS, webhooks};
use crate::platform::web::ProblemBody;

/// The tag of operations that belong to no room.
const SYSTEM: (&str, &str) = ("system", "Health, metrics and problem codes");

/// The names of the security schemes.
const BEARER: &str = "bearer";
const PASSWORD: &str = "password";
const NO_SCOPES: [&str; 0] = [];

const ABOUT: &str = "Air-cargo booking and tracking that never oversells a flight.\n\n\
    Weights are in kilograms with at most one decimal, volumes in cubic metres with at most three. Times are in \
    RFC 3339 form, in responses always in UTC; a departure date is the local calendar date at the origin. Every error is \
    `application/problem+json` with a stable `code`; the catalogue is at `/problems`. Lists accept `limit` and `cursor` \
    (or `offset`); the `Link` header contains the URL of the next page.\n\n\
    Callers see their own changes at once. If a response to a change has the header `Loadmaster-Position`, another caller that \
    sends this header with a list, a search, a history or a tracking request sees the change too; without it, these may be \
    some seconds old.";

/// Returns the frame into which the rooms' operations are put.
fn frame() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Loadmaster")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .contact(Some(ContactBuilder::new().name(Some("The Loadmaster contributors")).build()))
        .license(Some(LicenseBuilder::new().name("Apache-2.0 OR MIT").build()))
        .build();
    let tags = ROOMS.iter().flat_map(|room| room.tags).chain(&[SYSTEM]);
    let tags: Vec<_> =
        tags.map(|(name, text)| TagBuilder::new().name(*name).description(Some(*text)).build()).collect();
    OpenApiBuilder::new().info(info).tags(Some(tags)).components(Some(components())).build()
}

fn components() -> Components {
    let password = Flow::Password(Password::new("/api/v1/auth/token", Scopes::new()));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    ComponentsBuilder::new()
        .schema(ProblemBody::name(), ProblemBody::schema())
        .security_scheme(PASSWORD, SecurityScheme::OAuth2(OAuth2::new([password])))
        .security_scheme(BEARER, SecurityScheme::Http(bearer))
        .build()
}

/// Builds the API's description from the code alone.
pub fn openapi() -> OpenApi {
    let mut document = frame();
    for room in ROOMS {
        document.merge((room.describe)());
    }
    document.merge(super::router::system().describe());
    document.webhooks = Some(webhooks::sent());
    finish(secured(document))
}

/// Declares that operations restricted to certain roles accept any of the security schemes.
fn secured(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        let methods = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in methods.into_iter().flatten() {
            if ProblemBody::asks_for_role(&mut operation.responses) {
                let schemes = [BEARER, PASSWORD].map(|scheme| SecurityRequirement::new(scheme, NO_SCOPES));
                operation.security = Some(schemes.to_vec());
            }
        }
    }
    document
}

pub(super) fn growing(schema: &str) -> bool {
    ROOMS.iter().any(|room| room.growing.contains(&schema))
}

/// Adds what the derived schemas cannot express: which enumerations may grow.
fn finish(mut document: OpenApi) -> OpenApi {
    let schemas = document.components.iter_mut().flat_map(|components| components.schemas.iter_mut());
    for (_, schema) in schemas.filter(|(name, _)| growing(name)) {
        if let RefOr::T(Schema::Object(object)) = schema
            && let Some(words) = object.enum_values.take()
        {
            let growing = Extensions::builder().add("x-extensible-enum", words).build();
            object.extensions.get_or_insert_default().merge(growing);
        }
    }
    document
}
