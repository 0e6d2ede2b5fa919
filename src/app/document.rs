use utoipa::openapi::{
    Components, ComponentsBuilder, ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Schema,
    extensions::Extensions,
    security::{Flow, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes, SecurityScheme},
    tag::TagBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use crate::platform::web::ProblemBody;

const ABOUT: &str = "Air-cargo booking and tracking that never oversells a flight.\n\n\
    Weights are kilograms with at most one decimal, volumes cubic metres with at most three. Instants are RFC 3339, \
    answered in UTC; a departure date is the local calendar date at the origin. Every error is \
    `application/problem+json` with a stable `code`; the catalogue is at `/problems`. Lists take `limit` and `cursor` \
    (or `offset`) and give the next page in `Link`.";

/// The frame that the rooms' operations are put into.
pub(super) fn frame() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Loadmaster")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .contact(Some(ContactBuilder::new().name(Some("The Loadmaster contributors")).build()))
        .license(Some(LicenseBuilder::new().name("Apache-2.0 OR MIT").build()))
        .build();
    let tags = [
        ("auth", "Logging in, access tokens, API keys"),
        ("users", "Who may do what, and who decided so"),
        ("reference data", "Airports, airlines, aircraft, handling codes"),
        ("flights", "The schedule and the room on it"),
        ("search", "Ways from one airport to another"),
        ("bookings", "Shipments and their journeys"),
        ("tracking", "Following a shipment without logging in"),
        ("system", "Health, metrics, problems"),
    ];
    let tags = tags.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build());
    OpenApiBuilder::new().info(info).tags(Some(tags)).components(Some(components())).build()
}

fn components() -> Components {
    let password = Flow::Password(Password::new("/api/v1/auth/token", Scopes::new()));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    ComponentsBuilder::new()
        .schema(ProblemBody::name(), ProblemBody::schema())
        .security_scheme("password", SecurityScheme::OAuth2(OAuth2::new([password])))
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .build()
}

/// The API's description, made from the code alone.
pub fn openapi() -> OpenApi {
    finish(super::router::rooms().into_openapi())
}

/// Lists of words that may grow: clients must take words they do not know. A booking's status is not among them.
const GROWING: [&str; 4] = ["LegStatus", "EventType", "FlightStatus", "Action"];

/// What the derived schemas cannot say: which lists of words may grow.
fn finish(mut document: OpenApi) -> OpenApi {
    let schemas = document.components.iter_mut().flat_map(|components| components.schemas.iter_mut());
    for (_, schema) in schemas.filter(|(name, _)| GROWING.contains(&name.as_str())) {
        if let RefOr::T(Schema::Object(object)) = schema
            && let Some(words) = object.enum_values.take()
        {
            let growing = Extensions::builder().add("x-extensible-enum", words).build();
            object.extensions.get_or_insert_default().merge(growing);
        }
    }
    document
}
