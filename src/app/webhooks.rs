//! The `webhooks` of the API's description: what receivers get.
use utoipa::openapi::{
    ContentBuilder, HttpMethod, ObjectBuilder, PathItem, Paths, PathsBuilder, Required, ResponseBuilder, Type,
    path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
    request_body::RequestBodyBuilder,
    schema::SchemaType,
};

use super::rooms::message_types;

/// The tag of the messages.
pub(super) const MESSAGES: (&str, &str) = ("messages", "What receivers of webhooks get");

/// Headers of each request, besides those of HTTP.
const HEADERS: [(&str, &str); 3] = [
    ("webhook-id", "The `id` of the event: the same at each attempt and whenever it is sent again"),
    ("webhook-timestamp", "When this attempt was made, in seconds since 1970"),
    (
        "webhook-signature",
        "For each valid secret `v1,` and the base64 of the HMAC-SHA256 of `webhook-id`, `.`, `webhook-timestamp`, `.` and the \
         body; separated by spaces. The key is what follows `whsec_` in the secret, decoded from base64",
    ),
];

/// Describes the request for each type of messages.
pub(super) fn sent() -> Paths {
    let request = |paths: PathsBuilder, event_type: String| {
        let operation = OperationBuilder::new()
            .tag(MESSAGES.0)
            .operation_id(Some(operation_id(&event_type)))
            // Its signature is what a receiver believes.
            .securities(Some([]))
            .summary(Some(format!("A message of the type `{event_type}`")))
            .parameters(Some(HEADERS.map(header)))
            .request_body(Some(body(&event_type)))
            .response(
                "2XX",
                ResponseBuilder::new().description("It has arrived; any other status means that it has not."),
            )
            .response("410", ResponseBuilder::new().description("The receiver is gone: the webhook is disabled."))
            .build();
        paths.path(event_type, PathItem::new(HttpMethod::Post, operation))
    };
    message_types().into_iter().fold(PathsBuilder::new(), request).build()
}

/// As `onLoadmasterBookingBookedV1`.
fn operation_id(event_type: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    format!("on{}", event_type.split(['.', '_']).map(capital).collect::<String>())
}

fn header((name, about): (&str, &str)) -> Parameter {
    let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build();
    let header = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::True);
    header.description(Some(about)).schema(Some(text)).build()
}

/// A `CloudEvents` document of this type; `GET /event-types/{type}` has its complete schema.
fn body(event_type: &str) -> utoipa::openapi::request_body::RequestBody {
    let text = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    let members = ["specversion", "id", "source", "subject", "time", "datacontenttype", "sequence"];
    let event =
        members.iter().fold(ObjectBuilder::new(), |event, member| event.property(*member, text()).required(*member));
    let event = event
        .property("type", text().enum_values(Some([event_type])))
        .required("type")
        .property("data", ObjectBuilder::new())
        .required("data");
    let content = ContentBuilder::new().schema(Some(event.build())).build();
    RequestBodyBuilder::new().content("application/cloudevents+json", content).required(Some(Required::True)).build()
}
