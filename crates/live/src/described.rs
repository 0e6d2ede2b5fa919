//! What streams send, as the API's description has it: the names of their events, and the schemas of their data.
use chrono::{DateTime, Utc};
use loadmaster_bookings::{BookingBody, EventBody};
use loadmaster_capacity::Availability;
use loadmaster_flights::FlightBody;
use loadmaster_tracking::{Tracking, TrackingEvent};
use serde_json::{Map, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, Ref, RefOr, Schema, Type, extensions::Extensions, schema::SchemaType},
};

/// Data of the event `booking`: a booking, and what has happened to it.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is only described")]
pub(super) struct BookingNews {
    /// The event of its history; null for the state now.
    #[schema(required = true)]
    event: Option<EventBody>,
    /// The booking as it is when the event is read.
    booking: BookingBody,
}

/// Data of the event `tracking`: a shipment, and what has happened to it.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is only described")]
pub(super) struct TrackingNews {
    /// The event of its journey; null for the state now.
    #[schema(required = true)]
    event: Option<TrackingEvent>,
    /// The shipment as it is when the event is read.
    tracking: Tracking,
}

/// Data of the event `message`: a `CloudEvents` document. `GET /event-types/{type}` has the complete schema of each type.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is only described")]
pub(super) struct StreamMessage {
    /// The version of `CloudEvents`.
    #[schema(example = "1.0")]
    specversion: String,
    /// Unique within its `source`, for ever.
    id: String,
    /// The installation.
    source: String,
    /// The type of the event.
    #[schema(rename = "type", example = "loadmaster.booking.booked.v1")]
    kind: String,
    /// The public name of what it is about, such as a booking's `ref_id`.
    subject: String,
    /// When it happened.
    time: DateTime<Utc>,
    /// The form of `data`.
    #[schema(example = "application/json")]
    datacontenttype: String,
    /// Counts the events of the subject, in digits.
    sequence: String,
    /// What the type of the message tells.
    #[schema(value_type = Object)]
    data: Map<String, serde_json::Value>,
}

/// Data of the event `reset`: why the client must forget what it knew.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is only described")]
pub(super) struct StreamReset {
    /// `too_old`: what was missed is not kept any more; `unknown`: the last id leads nowhere.
    reason: String,
}

/// Declares the bodies of streams: for each event the type of its data, and when it is sent.
macro_rules! streams {
    ($($(#[doc = $about:literal])+ $stream:ident { $($event:literal: $data:ty, $when:literal;)+ })+) => {$(
        $(#[doc = $about])+
        pub(super) struct $stream;

        impl PartialSchema for $stream {
            fn schema() -> RefOr<Schema> {
                body(concat!($($about),+).trim(), &[$(($event, &*<$data>::name(), $when)),+])
            }
        }

        impl ToSchema for $stream {
            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                $(
                    schemas.push((<$data>::name().into_owned(), <$data>::schema()));
                    <$data>::schemas(schemas);
                )+
            }
        }
    )+};
}

streams! {
    /// Server-sent events about a flight.
    FlightEvents {
        "flight": FlightBody, "The flight, at first as it is now and then whenever it has changed.";
        "availability": Availability, "Its availability, at first as it is now and then whenever it has changed.";
        "reset": StreamReset, "The last id of the client leads nowhere; the state now follows.";
    }
    /// Server-sent events about a booking.
    BookingEvents {
        "booking": BookingNews, "At first the state now, then each event of its history.";
        "reset": StreamReset, "The last id of the client leads nowhere; the state now follows.";
    }
    /// Server-sent events about a shipment.
    TrackingEvents {
        "tracking": TrackingNews, "At first the state now, then each event of its journey.";
        "reset": StreamReset, "The last id of the client leads nowhere; the state now follows.";
    }
    /// Server-sent events with all messages.
    MessageEvents {
        "message": StreamMessage, "Each message that the filters pass, as it is written.";
        "reset": StreamReset, "The last id of the client leads nowhere or is too old; messages from now on follow.";
    }
}

/// Describes the text of a stream. JSON Schema has no word for its events: `x-events` has them by name.
fn body(about: &str, events: &[(&str, &str, &str)]) -> RefOr<Schema> {
    let described = events.iter().map(|(event, data, when)| {
        let data = Ref::from_schema_name(*data);
        ((*event).to_owned(), json!({ "description": when, "data": data }))
    });
    let described: Map<_, _> = described.collect();
    let names: Vec<_> = events.iter().map(|(event, data, _)| format!("`{event}` with a `{data}`")).collect();
    let text = format!("{about} By name, each with the schema of its data, which is JSON: {}.", names.join(", "));
    let extensions = Extensions::builder().add("x-events", described).build();
    let body = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).description(Some(text));
    Schema::Object(body.extensions(Some(extensions)).build()).into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn described<S: ToSchema>() -> (Vec<String>, bool) {
        let schema = serde_json::to_value(S::schema()).unwrap();
        let mut known = Vec::new();
        S::schemas(&mut known);
        let known: BTreeSet<String> =
            known.into_iter().map(|(name, _)| format!("#/components/schemas/{name}")).collect();
        let events = schema["x-events"].as_object().unwrap();
        let are_known = events.values().all(|event| known.contains(event["data"]["$ref"].as_str().unwrap()));
        (events.keys().cloned().collect(), are_known)
    }

    #[test]
    fn each_stream_names_its_events_and_the_schemas_of_their_data() {
        for (found, expected) in [
            (described::<FlightEvents>(), vec!["availability", "flight", "reset"]),
            (described::<BookingEvents>(), vec!["booking", "reset"]),
            (described::<TrackingEvents>(), vec!["reset", "tracking"]),
            (described::<MessageEvents>(), vec!["message", "reset"]),
        ] {
            let (mut events, are_known) = found;
            events.sort();
            assert_eq!(events, expected);
            assert!(are_known, "{events:?}");
        }
    }
}
