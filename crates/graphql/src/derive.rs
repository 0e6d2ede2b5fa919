//! Derives the types of the schema from the API's description, so that both say the same.
use std::collections::BTreeMap;

use utoipa::{
    Number,
    openapi::{
        KnownFormat, Ref, RefOr, Schema, SchemaFormat,
        schema::{ArrayItems, Object, SchemaType, Type as JsonType},
    },
};

use super::model::{Kind, Member, Type, Use, camel, capitalized};

/// The scalars, each with the page that specifies it and a description; first those that every schema has.
const SCALARS: [(&str, Option<&str>, &str); 11] = [
    ("Boolean", None, "True or false."),
    ("Float", None, "A number with a fraction, in double precision."),
    ("ID", None, "An identifier, as text."),
    ("Int", None, "An integer of up to 32 bits."),
    ("String", None, "A text."),
    ("Date", Some("https://www.rfc-editor.org/rfc/rfc3339#section-5.6"), "A calendar date, as `2026-11-29`."),
    ("DateTime", Some("https://www.rfc-editor.org/rfc/rfc3339"), "An instant with an offset from UTC."),
    ("Decimal", None, "A JSON number with the digits that it was given; nothing is lost to binary fractions."),
    ("Int64", None, "An integer of up to 64 bits, as a JSON number."),
    ("JSON", Some("https://www.rfc-editor.org/rfc/rfc8259"), "Any JSON value; the members keep the names of REST."),
    ("UUID", Some("https://www.rfc-editor.org/rfc/rfc9562"), "A universally unique identifier."),
];

const JSON: &str = "JSON";

/// Whether a type is read by clients or sent by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Output,
    Input,
}

/// Collects the types that are reached.
pub(crate) struct Deriver<'a> {
    components: &'a BTreeMap<String, RefOr<Schema>>,
    pub types: BTreeMap<String, Type>,
}

impl<'a> Deriver<'a> {
    pub fn new(components: &'a BTreeMap<String, RefOr<Schema>>) -> Self {
        let scalar = |(name, page, about): (&str, Option<&'static str>, &str)| {
            (name.to_owned(), Type { about: Some(about.to_owned()), kind: Kind::Scalar(page) })
        };
        Self { components, types: SCALARS.into_iter().map(scalar).collect() }
    }

    /// Returns how a schema is used; `hint` names its type if it has no name of its own.
    pub fn of(&mut self, schema: &RefOr<Schema>, way: Way, hint: &str) -> Use {
        match schema {
            RefOr::Ref(reference) => self.of_component(name_of(reference), way),
            RefOr::T(schema) => self.of_schema(schema, way, hint),
        }
    }

    /// Returns how a component of the description is used.
    pub fn of_component(&mut self, name: &str, way: Way) -> Use {
        match self.components.get(name) {
            Some(schema) => self.of(schema, way, name),
            None => Use::of(JSON),
        }
    }

    fn of_schema(&mut self, schema: &Schema, way: Way, hint: &str) -> Use {
        match schema {
            Schema::Array(array) => {
                let item = match &array.items {
                    ArrayItems::RefOrSchema(item) => self.of(item, way, hint),
                    ArrayItems::False => Use::of(JSON),
                };
                item.list().or_null(allows_null(&array.schema_type))
            }
            Schema::OneOf(choice) => {
                let others: Vec<_> = choice.items.iter().filter(|item| !is_null(item)).collect();
                let has_null = others.len() < choice.items.len();
                match others.as_slice() {
                    [one] => self.of(one, way, hint).or_null(has_null),
                    _ => Use::of(JSON).or_null(has_null),
                }
            }
            Schema::AllOf(parts) => {
                let about = parts.description.clone();
                self.object(way, hint, about, |this| this.members_of_parts(&parts.items, way, hint))
            }
            Schema::Object(object) => self.of_object(object, way, hint),
            _ => Use::of(JSON),
        }
    }

    fn of_object(&mut self, object: &Object, way: Way, hint: &str) -> Use {
        let (kinds, has_null) = match &object.schema_type {
            SchemaType::Type(kind) => (vec![kind], false),
            SchemaType::Array(kinds) => {
                (kinds.iter().filter(|kind| **kind != JsonType::Null).collect(), kinds.contains(&JsonType::Null))
            }
            SchemaType::AnyValue => (Vec::new(), true),
        };
        let of = match kinds.as_slice() {
            [JsonType::String] => self.of_text(object, hint),
            [JsonType::Integer] => Use::of(if fits_int(object) { "Int" } else { "Int64" }),
            [JsonType::Number] => Use::of(if object.multiple_of.is_some() { "Decimal" } else { "Float" }),
            [JsonType::Boolean] => Use::of("Boolean"),
            [JsonType::Object] if !object.properties.is_empty() => {
                let about = object.description.clone();
                self.object(way, hint, about, |this| this.members(object, way, hint))
            }
            _ => Use::of(JSON),
        };
        of.or_null(has_null)
    }

    /// A list of words that may grow has lost its words to an extension: it stays text, so that a new word fails nothing.
    fn of_text(&mut self, object: &Object, hint: &str) -> Use {
        let words: Option<Vec<&str>> =
            object.enum_values.as_ref().map(|words| words.iter().filter_map(serde_json::Value::as_str).collect());
        let is_component = self.components.contains_key(hint);
        if let Some(words) = words.filter(|words| is_component && words.iter().all(|word| is_name(word))) {
            let kind = Kind::Enum(words.into_iter().map(str::to_owned).collect());
            let made = Type { about: object.description.clone(), kind };
            self.types.entry(hint.to_owned()).or_insert(made);
            return Use::of(hint);
        }
        Use::of(match &object.format {
            Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)) => "DateTime",
            Some(SchemaFormat::KnownFormat(KnownFormat::Date)) => "Date",
            Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)) => "UUID",
            _ => "String",
        })
    }

    /// Registers an object type once.
    fn object(
        &mut self,
        way: Way,
        hint: &str,
        about: Option<String>,
        members: impl FnOnce(&mut Self) -> Vec<Member>,
    ) -> Use {
        let name = if way == Way::Input { format!("{hint}Input") } else { hint.to_owned() };
        if !self.types.contains_key(&name) {
            // Its own members may lead back to it.
            self.types.insert(name.clone(), Type { about: None, kind: Kind::Object(Vec::new()) });
            let members = members(self);
            let kind = if way == Way::Input { Kind::Input(members) } else { Kind::Object(members) };
            self.types.insert(name.clone(), Type { about, kind });
        }
        Use::of(name)
    }

    fn members(&mut self, object: &Object, way: Way, hint: &str) -> Vec<Member> {
        let of = |(rest, schema): (&String, &RefOr<Schema>)| {
            let own = format!("{hint}{}", capitalized(&camel(rest)));
            let of = self.of(schema, way, &own).or_null(!object.required.contains(rest));
            Member { rest: rest.clone(), about: self.about(schema), ..Member::new(&camel(rest), of, None) }
        };
        object.properties.iter().map(of).collect()
    }

    fn members_of_parts(&mut self, parts: &[RefOr<Schema>], way: Way, hint: &str) -> Vec<Member> {
        let components = self.components;
        let mut members = Vec::new();
        for part in parts {
            let part = match part {
                RefOr::Ref(reference) => components.get(name_of(reference)),
                part @ RefOr::T(_) => Some(part),
            };
            match part {
                Some(RefOr::T(Schema::Object(object))) => members.extend(self.members(object, way, hint)),
                Some(RefOr::T(Schema::AllOf(parts))) => members.extend(self.members_of_parts(&parts.items, way, hint)),
                _ => {}
            }
        }
        members
    }

    /// Returns the description of a member: its own, or that of a type which has no page of its own in the schema.
    pub fn about(&self, schema: &RefOr<Schema>) -> Option<String> {
        match schema {
            RefOr::Ref(reference) if !reference.description.is_empty() => Some(reference.description.clone()),
            RefOr::Ref(reference) => {
                let name = name_of(reference);
                self.components.get(name).filter(|_| !self.types.contains_key(name)).and_then(|found| self.about(found))
            }
            RefOr::T(Schema::Array(array)) => array.description.clone(),
            RefOr::T(Schema::OneOf(choice)) => {
                let own = choice.description.clone();
                own.or_else(|| choice.items.iter().filter(|item| !is_null(item)).find_map(|item| self.about(item)))
            }
            RefOr::T(Schema::AllOf(parts)) => parts.description.clone(),
            RefOr::T(Schema::Object(object)) => object.description.clone(),
            RefOr::T(_) => None,
        }
    }
}

/// Returns the name of the component that is referred to.
pub(crate) fn name_of(reference: &Ref) -> &str {
    reference.ref_location.rsplit('/').next().unwrap_or_default()
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(JsonType::Null))
}

fn allows_null(kind: &SchemaType) -> bool {
    matches!(kind, SchemaType::Array(kinds) if kinds.contains(&JsonType::Null))
}

/// Returns whether an integer has at most 32 bits, by its format or its greatest value.
fn fits_int(object: &Object) -> bool {
    let greatest = match object.maximum {
        Some(Number::Int(most)) => i64::try_from(most).ok(),
        Some(Number::UInt(most)) => i64::try_from(most).ok(),
        _ => None,
    };
    object.format == Some(SchemaFormat::KnownFormat(KnownFormat::Int32))
        || greatest.is_some_and(|most| i32::try_from(most).is_ok())
}

/// Returns whether GraphQL can have a word among the values of an enumeration.
fn is_name(word: &str) -> bool {
    let is_start = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    word.starts_with(is_start)
        && word.chars().all(|letter| is_start(letter) || letter.is_ascii_digit())
        && !matches!(word, "true" | "false" | "null")
}
