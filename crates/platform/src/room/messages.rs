use serde_json::{Map, Value, json};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use crate::outbox;

/// The types of messages that a room writes about one kind of aggregate. `docs/events.md` describes each.
#[derive(Debug, Clone, Copy)]
pub struct Messages {
    pub aggregate: &'static str,
    pub event_types: &'static [&'static str],
    /// What a message of each type says, in the same order.
    pub about: &'static [&'static str],
    /// What is true of the subject of all of them.
    pub subject: &'static str,
    /// Their data: [`Data::of`] the type that is serialized.
    pub data: fn() -> Data,
}

/// The description of a message's data, and of the types in it.
pub struct Data {
    name: String,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl Data {
    /// Describes data of this type.
    pub fn of<T: ToSchema>() -> Self {
        let name = T::name().into_owned();
        let mut schemas = vec![(name.clone(), T::schema())];
        T::schemas(&mut schemas);
        Self { name, schemas }
    }
}

/// A type of messages, as it is published.
#[derive(Debug, Clone)]
pub struct EventType {
    /// The `type` of its messages.
    pub name: String,
    pub subject: &'static str,
    pub description: &'static str,
    /// The JSON Schema of a whole message.
    pub schema: Value,
}

/// Where the API's description has its types, and where a schema has them.
const COMPONENTS: &str = "#/components/schemas/";
const DEFINITIONS: &str = "#/$defs/";

impl Messages {
    /// Returns the types as messages have them: `loadmaster.….….v1`.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.event_types.iter().map(|event_type| outbox::type_of(self.aggregate, event_type))
    }

    /// Returns the types. `growing` says which lists of words may grow.
    pub fn described(&self, growing: impl Fn(&str) -> bool) -> Vec<EventType> {
        let Data { name, schemas } = (self.data)();
        let definitions: Map<String, Value> = schemas
            .into_iter()
            .map(|(name, schema)| {
                let schema = serde_json::to_value(schema).unwrap_or_default();
                let schema = plain(if growing(&name) { extensible(schema) } else { schema });
                (name, schema)
            })
            .collect();
        let each = self.event_types.iter().zip(self.about).map(|(event_type, about)| {
            let kind = outbox::type_of(self.aggregate, event_type);
            let schema = envelope(&kind, about, self.subject, &name, &definitions);
            EventType { name: kind, subject: self.subject, description: about, schema }
        });
        each.collect()
    }
}

/// Returns the schema of a whole message. Members that it does not name may be there: later versions add some.
fn envelope(kind: &str, about: &str, subject: &str, data: &str, definitions: &Map<String, Value>) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind,
        "description": about,
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "sequence", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {
                "type": "string",
                "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-[1-9][0-9]*$",
                "description": "Unique within its `source`, for ever",
            },
            "source": {
                "type": "string",
                "pattern": "^/loadmaster/[0-9a-f]+$",
                "description": "The installation",
            },
            "type": {"const": kind},
            "subject": {"type": "string", "minLength": 1, "description": subject},
            "time": {"type": "string", "format": "date-time", "description": "When it happened"},
            "datacontenttype": {"const": "application/json"},
            "sequence": {
                "type": "string",
                "pattern": "^[1-9][0-9]*$",
                "description": "Counts the events of the subject",
            },
            "traceparent": {
                "type": "string",
                "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
                "description": "The trace of its cause",
            },
            "replayed": {"const": true, "description": "There if it is delivered again on request"},
            "data": {"$ref": format!("{DEFINITIONS}{data}")},
        },
        "$defs": definitions,
    })
}

/// Replaces the closed list of words by an open one.
fn extensible(mut schema: Value) -> Value {
    if let Some(members) = schema.as_object_mut()
        && let Some(words) = members.remove("enum")
    {
        members.insert("x-extensible-enum".to_owned(), words);
    }
    schema
}

/// Returns what OpenAPI says as JSON Schema says it. Without steps of decimal fractions: many validators reckon with binary
/// ones, and would refuse 0.3 as a multiple of 0.1.
fn plain(schema: Value) -> Value {
    match schema {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(name, value)| name != "multipleOf" || value.is_i64());
            let members = members.map(|(name, value)| match (name.as_str(), value) {
                ("$ref", Value::String(target)) => {
                    let target = target.replacen(COMPONENTS, DEFINITIONS, 1);
                    (name, Value::String(target))
                }
                ("example", value) => ("examples".to_owned(), json!([value])),
                ("properties", Value::Object(properties)) => {
                    (name, properties.into_iter().map(|(name, value)| (name, plain(value))).collect())
                }
                (_, value) => (name, plain(value)),
            });
            members.collect()
        }
        Value::Array(items) => items.into_iter().map(plain).collect(),
        value => value,
    }
}
