//! The schema: its types, and the operations of REST that are the fields of its roots.
use std::{collections::BTreeMap, sync::Arc};

use async_graphql_parser::types::DirectiveLocation;

/// The whole schema.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub types: BTreeMap<String, Type>,
    pub roots: Vec<Arc<Root>>,
    pub directives: Vec<Directive>,
}

#[derive(Debug)]
pub(crate) struct Directive {
    pub name: String,
    pub about: Option<String>,
    pub arguments: Vec<Member>,
    pub locations: Vec<DirectiveLocation>,
}

/// What an object refers to, which REST does not show with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// The flight of `flight_id`.
    Flight,
    /// The flights of `flight_ids`.
    Flights,
    /// The payments of a booking.
    Payments,
}

impl Model {
    pub fn root(&self, kind: RootKind, name: &str) -> Option<&Arc<Root>> {
        self.roots.iter().find(|root| root.kind == kind && root.name == name)
    }

    /// Returns the members of an object.
    pub fn members(&self, name: &str) -> &[Member] {
        match self.types.get(name).map(|of| &of.kind) {
            Some(Kind::Object(members)) => members,
            _ => &[],
        }
    }

    /// Returns the types that a value may have where a selection names this type: itself, or those of the union.
    pub fn possible_types<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        match self.types.get(name).map(|of| &of.kind) {
            Some(Kind::Union(types)) => types.iter().map(String::as_str).collect(),
            Some(Kind::Object(_)) => vec![name],
            _ => Vec::new(),
        }
    }

    /// Returns whether a value of one type may be of the other.
    pub fn may_be(&self, one: &str, other: &str) -> bool {
        let others = self.possible_types(other);
        self.possible_types(one).iter().any(|name| others.contains(name))
    }

    pub fn is_input(&self, name: &str) -> bool {
        let kind = self.types.get(name).map(|of| &of.kind);
        matches!(kind, Some(Kind::Scalar(_) | Kind::Enum(_) | Kind::Input(_)))
    }
}

#[derive(Debug)]
pub(crate) struct Type {
    pub about: Option<String>,
    pub kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Object(Vec<Member>),
    Input(Vec<Member>),
    Enum(Vec<String>),
    /// The names of its members.
    Union(Vec<String>),
    /// The page that specifies it.
    Scalar(Option<&'static str>),
}

impl Type {
    /// Returns whether every schema has it.
    pub fn is_built_in(&self, name: &str) -> bool {
        matches!(self.kind, Kind::Scalar(_)) && matches!(name, "Boolean" | "Float" | "ID" | "Int" | "String")
    }
}

/// A member of an object or of an input, or an argument of a field.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub name: String,
    /// Its name in REST.
    pub rest: String,
    pub of: Use,
    pub about: Option<String>,
    /// Arguments of a field; none of arguments and members of inputs.
    pub arguments: Vec<Self>,
    /// The default of an argument, as it is written.
    pub default: Option<&'static str>,
}

impl Member {
    /// Returns a member with the same name in REST, and without arguments.
    pub fn new(name: &str, of: Use, about: Option<&str>) -> Self {
        let (name, rest, about) = (name.to_owned(), name.to_owned(), about.map(str::to_owned));
        Self { name, rest, of, about, arguments: Vec::new(), default: None }
    }

    /// Returns whether it asks about the schema.
    pub fn is_question(&self) -> bool {
        self.name.starts_with("__")
    }
}

/// How a type is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    pub shape: Shape,
    pub is_nullable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Named(String),
    List(Box<Use>),
}

impl Use {
    pub fn of(name: impl Into<String>) -> Self {
        Self { shape: Shape::Named(name.into()), is_nullable: false }
    }

    pub fn list(self) -> Self {
        Self { shape: Shape::List(Box::new(self)), is_nullable: false }
    }

    #[must_use]
    pub fn nullable(self) -> Self {
        Self { is_nullable: true, ..self }
    }

    #[must_use]
    pub fn or_null(self, is_nullable: bool) -> Self {
        let is_nullable = self.is_nullable || is_nullable;
        Self { is_nullable, ..self }
    }

    /// Returns the name of the type, or of the items of the list.
    pub fn name(&self) -> &str {
        match &self.shape {
            Shape::Named(name) => name,
            Shape::List(item) => item.name(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RootKind {
    Query,
    Mutation,
    Subscription,
}

impl RootKind {
    /// Returns the name of the root's type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::Mutation => "Mutation",
            Self::Subscription => "Subscription",
        }
    }
}

/// A field of a root: an operation of REST.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub kind: RootKind,
    pub name: &'static str,
    pub about: Option<String>,
    pub method: &'static str,
    /// The template of its path.
    pub path: String,
    pub arguments: Vec<Argument>,
    pub answer: Answer,
}

#[derive(Debug, Clone)]
pub(crate) struct Argument {
    pub name: String,
    pub of: Use,
    pub about: Option<String>,
    pub place: Place,
}

/// The part of a REST request that an argument becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Path(String),
    Query(String),
    IdempotencyKey,
    IfMatch,
    Body,
}

/// What REST answers.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    One(String),
    List(Use),
    /// A page of these; whether they can be counted.
    Connection(String, bool),
    /// The members of a union, by the status of the answer.
    Union(String, Vec<(u16, String)>),
    /// Events by their names, with the types of their data; whether the data of the only one is the answer itself.
    Events {
        of: String,
        is_whole: bool,
    },
}

impl Answer {
    /// Returns the type of the field. Each may be null: an error is beside it.
    pub fn of(&self) -> Use {
        let of = match self {
            Self::One(name) | Self::Union(name, _) | Self::Events { of: name, .. } => Use::of(name),
            Self::List(item) => item.clone().list(),
            Self::Connection(item, _) => Use::of(connection(item)),
        };
        of.nullable()
    }
}

pub(crate) fn connection(item: &str) -> String {
    format!("{item}Connection")
}

pub(crate) fn edge(item: &str) -> String {
    format!("{item}Edge")
}

/// Returns a name of REST as GraphQL writes it.
pub(crate) fn camel(name: &str) -> String {
    let mut parts = name.split(['_', '-']);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| name + &capitalized(part))
}

pub(crate) fn capitalized(part: &str) -> String {
    let mut letters = part.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rest_become_names_of_graphql() {
        for (rest, name) in [("ref_id", "refId"), ("volume_m3", "volumeM3"), ("q", "q"), ("co2e_kg", "co2eKg")] {
            assert_eq!(camel(rest), name);
        }
    }
}
