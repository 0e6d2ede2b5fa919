//! What members of a request require of each other. Said by keywords that generators of clients leave alone: of shapes in
//! alternatives they would make types without the members that the shapes have in common.
use serde_json::{Value, json};
use utoipa::openapi::{Components, RefOr, Schema};

/// Objects that need one of their members.
const NOT_EMPTY: [&str; 2] = ["PaymentRequest", "RefreshRequest"];

pub(super) fn state(components: &mut Components) {
    for (schema, member, condition) in conditions() {
        let Some(RefOr::T(Schema::Object(schema))) = components.schemas.get_mut(schema) else { continue };
        let extensions = schema.extensions.get_or_insert_default();
        extensions.entry("dependentSchemas".to_owned()).or_insert_with(|| json!({}))[member] = condition;
    }
    for schema in NOT_EMPTY {
        if let Some(RefOr::T(Schema::Object(schema))) = components.schemas.get_mut(schema) {
            schema.min_properties = Some(1);
        }
    }
}

/// A schema, a member, and what holds whenever the member is there.
fn conditions() -> Vec<(&'static str, &'static str, Value)> {
    let flights = || given("flight_ids", &json!({ "type": "array", "items": {}, "minItems": 1 }));
    let (text, number, nothing) = (json!({ "type": "string" }), json!({ "type": "number" }), json!({ "type": "null" }));
    let way = || all(&[given("origin", &text), given("destination", &text)]);
    let dated = || given("departure_date", &text);
    let unpriced = json!({ "properties": { "price": { "enum": [false, null] } } });
    let room = json!({ "type": "object", "required": ["weight_kg"], "properties": { "weight_kg": number } });
    let by_percent = all(&[given("percent", &text), absent("amount")]);
    let by_amount = all(&[given("amount", &json!({ "type": "object" })), absent("percent")]);
    let share = all(&[json!({ "properties": { "basis": { "enum": ["PERCENT"] } } }), absent("currency")]);
    let bulk = any(&[
        of_action(&["cancel"], &json!({ "anyOf": [reference("CancelBooking"), nothing] })),
        of_action(&["depart", "arrive", "deliver"], &json!({ "anyOf": [reference("RecordMovement"), nothing] })),
        of_action(&["reroute"], &json!({ "maxProperties": 0 })),
    ]);
    let one_of =
        |one, other| any(&[all(&[given(one, &text), absent(other)]), all(&[absent(one), given(other, &text)])]);
    let paid = any(&[given("payment_token", &text), given("payment_method", &text)]);
    let session = one_of("refresh_token", "session");
    vec![
        ("CreateHold", "weight_kg", any(&[flights(), given("quote_id", &text), way()])),
        ("JoinWaitlist", "weight_kg", any(&[flights(), all(&[way(), dated()])])),
        ("AskQuote", "weight_kg", any(&[flights(), dated()])),
        ("SearchRoutes", "price", any(&[unpriced, given("weight_kg", &number)])),
        ("BookingContact", "name", any(&[given("email", &text), given("phone", &text)])),
        ("CreateFlight", "origin", any(&[given("aircraft_code", &text), given("capacity", &room)])),
        ("CreateSale", "origin", any(&[by_percent, by_amount])),
        ("BulkBookings", "params", bulk),
        ("CreateBooking", "discount_code", any(&[absent("discount_code"), given("quote_id", &text)])),
        ("CreateSurcharge", "basis", any(&[share, given("currency", &text)])),
        ("ChangeSale", "percent", any(&[absent("percent"), absent("amount")])),
        ("PaymentRequest", "payment_token", paid.clone()),
        ("PaymentRequest", "payment_method", paid),
        ("RefreshRequest", "refresh_token", session.clone()),
        ("RefreshRequest", "session", session),
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
