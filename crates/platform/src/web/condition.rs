//! What members of a request require of each other. Said by keywords that generators of clients leave alone: of shapes in
//! alternatives they would make types without the members that the shapes have in common.
use std::borrow::Cow;

use serde_json::{Value, json};
use utoipa::{
    ToSchema,
    openapi::{Components, RefOr, Schema},
};

/// What holds of a request whenever one of some members is there.
#[derive(Clone, Copy)]
pub struct Condition {
    schema: fn() -> Cow<'static, str>,
    members: &'static [&'static str],
    rule: fn() -> Value,
}

impl Condition {
    /// A condition of the request `T`. The rule is a JSON Schema of the whole request.
    pub const fn of<T: ToSchema>(members: &'static [&'static str], rule: fn() -> Value) -> Self {
        Self { schema: T::name, members, rule }
    }

    /// Adds it to the request's schema.
    pub fn state(&self, components: &mut Components) {
        let Some(RefOr::T(Schema::Object(schema))) = components.schemas.get_mut(&*(self.schema)()) else { return };
        let extensions = schema.extensions.get_or_insert_default();
        let conditions = extensions.entry("dependentSchemas".to_owned()).or_insert_with(|| json!({}));
        for member in self.members {
            conditions[member] = (self.rule)();
        }
    }
}

/// The member is there, of this type of JSON.
pub fn given(member: &str, kind: &str) -> Value {
    having(member, &json!({ "type": kind }))
}

/// The member is a list with an entry.
pub fn filled(member: &str) -> Value {
    having(member, &json!({ "type": "array", "items": {}, "minItems": 1 }))
}

/// The member is there, and like this.
pub fn having(member: &str, schema: &Value) -> Value {
    json!({ "required": [member], "properties": { member: schema } })
}

/// The member is left out, or is `null`.
pub fn absent(member: &str) -> Value {
    json!({ "properties": { member: { "type": "null" } } })
}

/// The member is left out, or one of these values.
pub fn among(member: &str, values: &Value) -> Value {
    json!({ "properties": { member: { "enum": values } } })
}

/// The schema of another request.
pub fn reference<T: ToSchema>() -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
}

pub fn all(conditions: &[Value]) -> Value {
    json!({ "allOf": conditions })
}

pub fn any(conditions: &[Value]) -> Value {
    json!({ "anyOf": conditions })
}
