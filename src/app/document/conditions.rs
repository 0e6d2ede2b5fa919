//! What members of a request require of each other. Said by keywords that generators of clients leave alone: of shapes in
//! alternatives they would make types without the members that the shapes have in common.
use serde_json::{Value, json};
use utoipa::openapi::{Components, RefOr, Schema, extensions::Extensions};

/// A schema, a keyword, and the keyword's value.
type Condition = (&'static str, &'static str, Value);

pub(super) fn state(components: &mut Components) {
    for (name, keyword, value) in conditions() {
        if let Some(RefOr::T(Schema::Object(schema))) = components.schemas.get_mut(name) {
            schema.extensions = Some(Extensions::from_iter([(keyword, value)]));
        }
    }
}

fn conditions() -> Vec<Condition> {
    let flights = || given("flight_ids", &json!({ "type": "array", "items": {}, "minItems": 1 }));
    let (text, nothing) = (json!({ "type": "string" }), json!({ "type": "null" }));
    let way = || all(&[given("origin", &text), given("destination", &text)]);
    let dated = || given("departure_date", &text);
    let contact = || any(&[given("email", &text), given("phone", &text)]);
    let number = json!({ "type": "number" });
    let amount = json!({ "type": "object" });
    let room = json!({ "type": "object", "required": ["weight_kg"], "properties": { "weight_kg": number } });
    vec![
        ("CreateHold", "dependentSchemas", json!({ "weight_kg": any(&[flights(), given("quote_id", &text), way()]) })),
        ("JoinWaitlist", "dependentSchemas", json!({ "weight_kg": any(&[flights(), all(&[way(), dated()])]) })),
        ("AskQuote", "dependentSchemas", json!({ "weight_kg": any(&[flights(), dated()]) })),
        (
            "SearchRoutes",
            "dependentSchemas",
            json!({ "price": any(&[json!({ "properties": { "price": { "enum": [false, null] } } }), given("weight_kg", &number)]) }),
        ),
        ("BookingContact", "dependentSchemas", json!({ "name": contact() })),
        (
            "CreateFlight",
            "dependentSchemas",
            json!({ "origin": any(&[given("aircraft_code", &text), given("capacity", &room)]) }),
        ),
        (
            "CreateSale",
            "dependentSchemas",
            json!({ "origin": any(&[
                all(&[given("percent", &text), absent("amount")]),
                all(&[given("amount", &amount), absent("percent")]),
            ]) }),
        ),
        (
            "BulkBookings",
            "dependentSchemas",
            json!({ "params": any(&[
                of_action(&["cancel"], &json!({ "anyOf": [reference("CancelBooking"), nothing] })),
                of_action(&["depart", "arrive", "deliver"], &json!({ "anyOf": [reference("RecordMovement"), nothing] })),
                of_action(&["reroute"], &json!({ "maxProperties": 0 })),
            ]) }),
        ),
        (
            "CreateBooking",
            "dependentSchemas",
            json!({ "discount_code": any(&[absent("discount_code"), given("quote_id", &text)]) }),
        ),
        (
            "CreateSurcharge",
            "dependentSchemas",
            json!({ "basis": any(&[
                all(&[json!({ "properties": { "basis": { "enum": ["PERCENT"] } } }), absent("currency")]),
                given("currency", &text),
            ]) }),
        ),
        ("ChangeSale", "not", all(&[given("percent", &text), given("amount", &amount)])),
        ("PaymentRequest", "not", all(&[absent("payment_token"), absent("payment_method")])),
        (
            "RefreshRequest",
            "not",
            any(&[
                all(&[absent("refresh_token"), absent("session")]),
                all(&[given("refresh_token", &text), given("session", &text)]),
            ]),
        ),
    ]
}

/// The member is there, and is no `null`.
fn given(member: &str, schema: &Value) -> Value {
    json!({ "required": [member], "properties": { member: schema } })
}

/// The member is left out, or is `null`.
fn absent(member: &str) -> Value {
    json!({ "properties": { member: { "type": "null" } } })
}

/// The parameters are these, if it is one of these actions.
fn of_action(actions: &[&str], params: &Value) -> Value {
    json!({ "properties": { "action": { "enum": actions }, "params": params } })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn all(conditions: &[Value]) -> Value {
    json!({ "allOf": conditions })
}

fn any(conditions: &[Value]) -> Value {
    json!({ "anyOf": conditions })
}
