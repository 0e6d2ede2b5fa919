//! Values between JSON and documents.
use async_graphql_value::{ConstValue as Value, Name, Variables, indexmap::IndexMap};
use serde_json::Value as Json;

use super::model::{Kind, Model, Shape, Use};

/// Returns JSON as a value. Numbers keep their digits.
pub(crate) fn constant(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(is) => Value::Boolean(*is),
        Json::Number(number) => Value::Number(number.clone()),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(constant).collect()),
        Json::Object(members) => Value::Object(
            members.iter().map(|(name, value)| (Name::new(name), constant(value))).collect::<IndexMap<_, _>>(),
        ),
    }
}

/// Returns the variables of a request.
pub(crate) fn variables(given: &serde_json::Map<String, Json>) -> Variables {
    Variables::from_value(Value::Object(
        given.iter().map(|(name, value)| (Name::new(name), constant(value))).collect::<IndexMap<_, _>>(),
    ))
}

/// Returns a value as JSON, unchanged.
pub(crate) fn plain(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(is) => Json::Bool(*is),
        Value::Number(number) => Json::Number(number.clone()),
        Value::String(text) => Json::String(text.clone()),
        Value::Enum(name) => Json::String(name.to_string()),
        Value::Binary(bytes) => Json::String(String::from_utf8_lossy(bytes).into_owned()),
        Value::List(items) => Json::Array(items.iter().map(plain).collect()),
        Value::Object(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.to_string(), plain(value))).collect())
        }
    }
}

/// Returns an input as REST takes it: with REST's names, and without what is absent.
pub(crate) fn sent(model: &Model, of: &Use, value: &Value) -> Json {
    match (&of.shape, value) {
        (Shape::List(item), Value::List(items)) => {
            Json::Array(items.iter().map(|one| sent(model, item, one)).collect())
        }
        // One item stands for a list of one.
        (Shape::List(item), one) if *one != Value::Null => Json::Array(vec![sent(model, item, one)]),
        (Shape::Named(name), Value::Object(given)) => {
            let Some(Kind::Input(members)) = model.types.get(name).map(|of| &of.kind) else { return plain(value) };
            let of = |(name, value): (&Name, &Value)| {
                let member = members.iter().find(|member| member.name == name.as_str())?;
                Some((member.rest.clone(), sent(model, &member.of, value)))
            };
            Json::Object(given.iter().filter_map(of).collect())
        }
        _ => plain(value),
    }
}

/// Returns an argument as a part of an address; `None`: it is absent.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Enum(name) => Some(name.to_string()),
        Value::List(items) => {
            let items: Vec<String> = items.iter().filter_map(text).collect();
            Some(items.join(","))
        }
        other => Some(other.to_string()),
    }
}
