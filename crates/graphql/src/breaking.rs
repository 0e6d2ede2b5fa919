//! Compares two versions of the schema: clients that were written for the earlier must understand the later.
use std::collections::BTreeMap;

use anyhow::Context;
use async_graphql_parser::{
    Positioned, parse_schema,
    types::{BaseType, FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind, TypeSystemDefinition},
};

/// Returns what a client of the earlier schema would notice, one sentence each.
pub(crate) fn breaks(earlier: &str, later: &str) -> anyhow::Result<Vec<String>> {
    let (earlier, later) = (types(earlier)?, types(later)?);
    let mut broken = Vec::new();
    for (name, before) in &earlier {
        match later.get(name) {
            None => broken.push(format!("The type `{name}` is gone.")),
            Some(after) => of_type(name, &before.kind, &after.kind, &mut broken),
        }
    }
    Ok(broken)
}

fn types(text: &str) -> anyhow::Result<BTreeMap<String, TypeDefinition>> {
    let document = parse_schema(text).context("the schema cannot be read")?;
    let types = document.definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(of) => Some((of.node.name.node.to_string(), of.node)),
        _ => None,
    });
    Ok(types.collect())
}

fn of_type(name: &str, before: &TypeKind, after: &TypeKind, broken: &mut Vec<String>) {
    match (before, after) {
        (TypeKind::Scalar, TypeKind::Scalar) => {}
        (TypeKind::Object(before), TypeKind::Object(after)) => fields(name, &before.fields, &after.fields, broken),
        (TypeKind::InputObject(before), TypeKind::InputObject(after)) => {
            inputs(&format!("The input `{name}`"), &before.fields, &after.fields, broken);
        }
        (TypeKind::Enum(before), TypeKind::Enum(after)) => {
            for word in before.values.iter().map(|value| &value.node.value.node) {
                if !after.values.iter().any(|value| value.node.value.node == *word) {
                    broken.push(format!("`{name}` has lost the value `{word}`."));
                }
            }
        }
        (TypeKind::Union(before), TypeKind::Union(after)) => {
            for member in before.members.iter().map(|member| &member.node) {
                if !after.members.iter().any(|other| other.node == *member) {
                    broken.push(format!("`{name}` has lost the member `{member}`."));
                }
            }
        }
        _ => broken.push(format!("The type `{name}` is of another kind.")),
    }
}

fn fields(
    name: &str,
    before: &[Positioned<FieldDefinition>],
    after: &[Positioned<FieldDefinition>],
    broken: &mut Vec<String>,
) {
    for field in before.iter().map(|field| &field.node) {
        let place = format!("`{name}.{}`", field.name.node);
        let Some(later) = after.iter().map(|later| &later.node).find(|later| later.name.node == field.name.node) else {
            broken.push(format!("{place} is gone."));
            continue;
        };
        if !is_shown_alike(&field.ty.node, &later.ty.node) {
            broken.push(format!("{place} was `{}` and is `{}`.", field.ty.node, later.ty.node));
        }
        inputs(&place, &field.arguments, &later.arguments, broken);
    }
}

/// Compares what clients send.
fn inputs(
    place: &str,
    before: &[Positioned<InputValueDefinition>],
    after: &[Positioned<InputValueDefinition>],
    broken: &mut Vec<String>,
) {
    for given in before.iter().map(|given| &given.node) {
        match after.iter().map(|later| &later.node).find(|later| later.name.node == given.name.node) {
            None => broken.push(format!("{place} has lost `{}`.", given.name.node)),
            Some(later) if is_taken(&given.ty.node, &later.ty.node) => {}
            Some(later) => {
                let (name, before, after) = (&given.name.node, &given.ty.node, &later.ty.node);
                broken.push(format!("`{name}` of {place} was `{before}` and is `{after}`."));
            }
        }
    }
    let is_new = |given: &&InputValueDefinition| !before.iter().any(|known| known.node.name.node == given.name.node);
    for given in after.iter().map(|given| &given.node).filter(is_new) {
        if !given.ty.node.nullable && given.default_value.is_none() {
            broken.push(format!("{place} requires `{}`, which is new.", given.name.node));
        }
    }
}

/// Returns whether a client that reads `before` understands `after`: it may promise more.
fn is_shown_alike(before: &Type, after: &Type) -> bool {
    (before.nullable || !after.nullable) && have_alike_base(before, after, is_shown_alike)
}

/// Returns whether what a client sends as `before` is accepted as `after`: it may require less.
fn is_taken(before: &Type, after: &Type) -> bool {
    (after.nullable || !before.nullable) && have_alike_base(before, after, is_taken)
}

fn have_alike_base(before: &Type, after: &Type, items: fn(&Type, &Type) -> bool) -> bool {
    match (&before.base, &after.base) {
        (BaseType::Named(before), BaseType::Named(after)) => before == after,
        (BaseType::List(before), BaseType::List(after)) => items(before, after),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "type Query { a(x: Int, y: Int!): String! b: [Kind!]! c: Int u: U }
        enum Kind { ONE TWO } union U = A | B type A { a: Int } type B { b: Int } input In { p: Int q: Int! }
        type Gone { a: Int } scalar S";

    #[test]
    fn a_schema_breaks_nothing_of_its_own() {
        assert_eq!(breaks(BEFORE, BEFORE).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_promises_more_or_requires_less_breaks_nothing() {
        let after = "type Query { a(x: Int, y: Int, z: Int): String! b: [Kind!]! c: Int! u: U d: Int }
            enum Kind { ONE TWO THREE } union U = A | B | C type A { a: Int } type B { b: Int } type C { c: Int }
            input In { p: Int q: Int r: Int } type Gone { a: Int } scalar S";
        assert_eq!(breaks(BEFORE, after).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn each_breaking_change_is_named() {
        let after = "type Query { a(x: Int!, z: Int!): String b: [Kind]! u: U }
            enum Kind { ONE } union U = A type A { a: Int } type B { b: Int } input In { p: String r: Int! } type S { a: Int }";
        let expected = [
            "The type `Gone` is gone.",
            "`p` of The input `In` was `Int` and is `String`.",
            "The input `In` has lost `q`.",
            "The input `In` requires `r`, which is new.",
            "`Kind` has lost the value `TWO`.",
            "`Query.a` was `String!` and is `String`.",
            "`x` of `Query.a` was `Int` and is `Int!`.",
            "`Query.a` has lost `y`.",
            "`Query.a` requires `z`, which is new.",
            "`Query.b` was `[Kind!]!` and is `[Kind]!`.",
            "`Query.c` is gone.",
            "The type `S` is of another kind.",
            "`U` has lost the member `B`.",
        ];
        assert_eq!(breaks(BEFORE, after).unwrap(), expected);
    }

    #[test]
    fn a_text_that_is_no_schema_is_an_error() {
        assert!(breaks("type {", BEFORE).is_err());
    }
}
