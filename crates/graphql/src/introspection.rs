//! Questions about the schema: the types by which they are asked, and their answers.
use async_graphql_parser::{
    Positioned, parse_schema,
    types::{DirectiveLocation, InputValueDefinition, TypeKind, TypeSystemDefinition},
};
use async_graphql_value::{ConstValue as Value, Name, Variables};
use serde_json::{Value as Json, json};

use super::{
    model::{Directive, Kind, Member, Model, RootKind, Shape, Type, Use},
    plan::{PlannedQuestion, Shown, ShownField, Source},
    values::{arguments, use_of},
    write::{write_key, write_leaf, write_quoted},
};

/// The types of introspection, as the specification of GraphQL has them. Nothing is deprecated.
const TYPES: &str = "
type __Schema {
  description: String types: [__Type!]! queryType: __Type! mutationType: __Type subscriptionType: __Type
  directives: [__Directive!]!
}
type __Type {
  kind: __TypeKind! name: String description: String specifiedByURL: String isOneOf: Boolean
  fields(includeDeprecated: Boolean): [__Field!] interfaces: [__Type!] possibleTypes: [__Type!]
  enumValues(includeDeprecated: Boolean): [__EnumValue!]
  inputFields(includeDeprecated: Boolean): [__InputValue!] ofType: __Type
}
enum __TypeKind { SCALAR OBJECT INTERFACE UNION ENUM INPUT_OBJECT LIST NON_NULL }
type __Field {
  name: String! description: String args(includeDeprecated: Boolean): [__InputValue!]! type: __Type!
  isDeprecated: Boolean! deprecationReason: String
}
type __InputValue {
  name: String! description: String type: __Type! defaultValue: String isDeprecated: Boolean!
  deprecationReason: String
}
type __EnumValue { name: String! description: String isDeprecated: Boolean! deprecationReason: String }
type __Directive {
  name: String! description: String isRepeatable: Boolean! locations: [__DirectiveLocation!]!
  args(includeDeprecated: Boolean): [__InputValue!]!
}
enum __DirectiveLocation {
  QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT VARIABLE_DEFINITION SCHEMA
  SCALAR OBJECT FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE UNION ENUM ENUM_VALUE INPUT_OBJECT INPUT_FIELD_DEFINITION
}
";

/// The argument that has a default, of several fields of these types.
const INCLUDE_DEPRECATED: &str = "includeDeprecated";

/// The directives, as the schema describes them.
pub(crate) const DIRECTIVES: &str = r#""""
Directs the executor to include this field or fragment only when the `if` argument is true.
"""
directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
"""
Directs the executor to skip this field or fragment when the `if` argument is true.
"""
directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
"""
Provides a scalar specification URL for specifying the behavior of custom scalar types.
"""
directive @specifiedBy(url: String!) on SCALAR
"#;

/// Adds the types of questions, the fields of the query that ask them, and the directives.
pub(crate) fn describe(model: &mut Model) -> anyhow::Result<()> {
    add_definitions(model, &format!("{TYPES}{DIRECTIVES}"))?;
    if let Some(Type { kind: Kind::Object(fields), .. }) = model.types.get_mut(RootKind::Query.name()) {
        let name = Member::new("name", Use::of("String"), None);
        let of_type = Member::new("__type", Use::of("__Type").nullable(), None);
        fields.push(Member::new("__schema", Use::of("__Schema"), None));
        fields.push(Member { arguments: vec![name], ..of_type });
    }
    Ok(())
}

/// Adds the types and directives of a text in the schema definition language.
pub(crate) fn add_definitions(model: &mut Model, text: &str) -> anyhow::Result<()> {
    for definition in parse_schema(text)?.definitions {
        match definition {
            TypeSystemDefinition::Type(of) => {
                let kind = match of.node.kind {
                    TypeKind::Object(object) => {
                        let fields = object.fields.into_iter().map(|field| {
                            let field = field.node;
                            let member = Member::new(&field.name.node, use_of(&field.ty.node), None);
                            Member { arguments: input_values(field.arguments), ..member }
                        });
                        Kind::Object(fields.collect())
                    }
                    TypeKind::InputObject(of) => Kind::Input(input_values(of.fields)),
                    TypeKind::Enum(of) => Kind::Enum(names(of.values.iter().map(|value| &value.node.value))),
                    TypeKind::Union(of) => Kind::Union(names(&of.members)),
                    TypeKind::Scalar => Kind::Scalar(None),
                    TypeKind::Interface(_) => anyhow::bail!("the schema has no interfaces"),
                };
                model.types.insert(of.node.name.node.to_string(), Type { about: None, kind });
            }
            TypeSystemDefinition::Directive(directive) => {
                let directive = directive.node;
                model.directives.push(Directive {
                    name: directive.name.node.to_string(),
                    about: directive.description.map(|text| text.node),
                    arguments: input_values(directive.arguments),
                    locations: directive.locations.iter().map(|location| location.node).collect(),
                });
            }
            TypeSystemDefinition::Schema(_) => {}
        }
    }
    Ok(())
}

fn names<'a>(names: impl IntoIterator<Item = &'a Positioned<Name>>) -> Vec<String> {
    names.into_iter().map(|name| name.node.to_string()).collect()
}

fn input_values(definitions: Vec<Positioned<InputValueDefinition>>) -> Vec<Member> {
    let value = |value: Positioned<InputValueDefinition>| {
        let member = Member::new(&value.node.name.node, use_of(&value.node.ty.node), None);
        let default = (member.name == INCLUDE_DEPRECATED).then_some("false");
        Member { default, ..member }
    };
    definitions.into_iter().map(value).collect()
}

/// A part of the schema.
#[derive(Clone, Copy)]
enum Node<'a> {
    Schema,
    Named(&'a str, &'a Type),
    /// A type as a field or an argument uses it, or the same without its `!`.
    Used(&'a Use),
    Nullable(&'a Use),
    /// A field, an argument or the member of an input.
    Member(&'a Member),
    EnumValue(&'a str),
    Directive(&'a Directive),
}

/// The value of a member of a part.
enum Found<'a> {
    Leaf(Json),
    Node(Node<'a>),
    Nodes(Vec<Node<'a>>),
}

/// Returns the answer to a question as JSON.
pub(crate) fn answer(model: &Model, question: &PlannedQuestion, variables: &Variables) -> Vec<u8> {
    let node = match question.field.node.name.node.as_str() {
        "__schema" => Some(Node::Schema),
        _ => arguments(&question.field.node, variables).into_iter().find_map(|(_, name)| match name {
            Value::String(name) => named(model, &name),
            _ => None,
        }),
    };
    let (mut out, found) = (Vec::new(), node.map_or(Found::Leaf(Json::Null), Found::Node));
    write(model, &question.shown, &found, &mut out);
    out
}

fn write(model: &Model, shown: &Shown, found: &Found<'_>, out: &mut Vec<u8>) {
    match (shown, found) {
        (Shown::Object(fields), Found::Node(node)) => write_object(model, fields, *node, out),
        (Shown::List { item, .. }, Found::Nodes(nodes)) => {
            out.push(b'[');
            for (number, node) in nodes.iter().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                write(model, item, &Found::Node(*node), out);
            }
            out.push(b']');
        }
        (_, Found::Leaf(json)) => write_leaf(out, json),
        _ => write_leaf(out, &Json::Null),
    }
}

fn write_object(model: &Model, fields: &[ShownField], node: Node<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (number, field) in fields.iter().enumerate() {
        write_key(out, number == 0, &field.key);
        match &field.source {
            Source::TypeName(name) => write_quoted(out, name),
            Source::Member(name) => write(model, &field.shown, &value(model, node, name), out),
            Source::Relation(_) => write_leaf(out, &Json::Null),
        }
    }
    out.push(b'}');
}

fn named<'a>(model: &'a Model, name: &str) -> Option<Node<'a>> {
    model.types.get_key_value(name).map(|(name, of)| Node::Named(name, of))
}

/// Returns the value of a member of a part of the schema.
fn value<'a>(model: &'a Model, node: Node<'a>, member: &str) -> Found<'a> {
    let node = match node {
        Node::Used(of) if of.is_nullable => Node::Nullable(of),
        node => node,
    };
    let found = match node {
        Node::Schema => of_schema(model, member),
        Node::Used(of) => match member {
            "kind" => Some(Found::Leaf("NON_NULL".into())),
            "ofType" => Some(Found::Node(Node::Nullable(of))),
            _ => None,
        },
        Node::Nullable(Use { shape: Shape::List(item), .. }) => match member {
            "kind" => Some(Found::Leaf("LIST".into())),
            "ofType" => Some(Found::Node(Node::Used(item))),
            _ => None,
        },
        Node::Nullable(Use { shape: Shape::Named(name), .. }) => named(model, name).map(|of| value(model, of, member)),
        Node::Named(name, of) => of_type(model, name, of, member),
        Node::Member(of) => match member {
            "name" => Some(Found::Leaf(of.name.as_str().into())),
            "description" => Some(Found::Leaf(of.about.as_deref().into())),
            "args" => Some(members(&of.arguments)),
            "type" => Some(Found::Node(Node::Used(&of.of))),
            "defaultValue" => Some(Found::Leaf(of.default.into())),
            "isDeprecated" => Some(Found::Leaf(false.into())),
            _ => None,
        },
        Node::EnumValue(word) => match member {
            "name" => Some(Found::Leaf(word.into())),
            "isDeprecated" => Some(Found::Leaf(false.into())),
            _ => None,
        },
        Node::Directive(of) => match member {
            "name" => Some(Found::Leaf(of.name.as_str().into())),
            "description" => Some(Found::Leaf(of.about.as_deref().into())),
            "isRepeatable" => Some(Found::Leaf(false.into())),
            "locations" => Some(Found::Leaf(of.locations.iter().map(|place| location(*place)).collect())),
            "args" => Some(members(&of.arguments)),
            _ => None,
        },
    };
    found.unwrap_or(Found::Leaf(Json::Null))
}

fn of_schema<'a>(model: &'a Model, member: &str) -> Option<Found<'a>> {
    let root = |kind: RootKind| named(model, kind.name()).map(Found::Node);
    match member {
        "types" => Some(Found::Nodes(model.types.iter().map(|(name, of)| Node::Named(name, of)).collect())),
        "queryType" => root(RootKind::Query),
        "mutationType" => root(RootKind::Mutation),
        "subscriptionType" => root(RootKind::Subscription),
        "directives" => Some(Found::Nodes(model.directives.iter().map(Node::Directive).collect())),
        _ => None,
    }
}

fn of_type<'a>(model: &'a Model, name: &'a str, of: &'a Type, member: &str) -> Option<Found<'a>> {
    match (member, &of.kind) {
        ("kind", kind) => Some(Found::Leaf(json!(match kind {
            Kind::Object(_) => "OBJECT",
            Kind::Input(_) => "INPUT_OBJECT",
            Kind::Enum(_) => "ENUM",
            Kind::Union(_) => "UNION",
            Kind::Scalar(_) => "SCALAR",
        }))),
        ("name", _) => Some(Found::Leaf(name.into())),
        ("description", _) => Some(Found::Leaf(of.about.as_deref().into())),
        ("specifiedByURL", Kind::Scalar(Some(page))) => Some(Found::Leaf((*page).into())),
        ("isOneOf", Kind::Input(_)) => Some(Found::Leaf(false.into())),
        ("fields", Kind::Object(fields)) | ("inputFields", Kind::Input(fields)) => Some(members(fields)),
        ("interfaces", Kind::Object(_)) => Some(Found::Nodes(Vec::new())),
        ("possibleTypes", Kind::Union(types)) => {
            Some(Found::Nodes(types.iter().filter_map(|name| named(model, name)).collect()))
        }
        ("enumValues", Kind::Enum(words)) => {
            Some(Found::Nodes(words.iter().map(|word| Node::EnumValue(word)).collect()))
        }
        _ => None,
    }
}

/// Returns members without those that ask about the schema.
fn members(members: &[Member]) -> Found<'_> {
    Found::Nodes(members.iter().filter(|member| !member.is_question()).map(Node::Member).collect())
}

const fn location(of: DirectiveLocation) -> &'static str {
    match of {
        DirectiveLocation::Query => "QUERY",
        DirectiveLocation::Mutation => "MUTATION",
        DirectiveLocation::Subscription => "SUBSCRIPTION",
        DirectiveLocation::Field => "FIELD",
        DirectiveLocation::FragmentDefinition => "FRAGMENT_DEFINITION",
        DirectiveLocation::FragmentSpread => "FRAGMENT_SPREAD",
        DirectiveLocation::InlineFragment => "INLINE_FRAGMENT",
        DirectiveLocation::Schema => "SCHEMA",
        DirectiveLocation::Scalar => "SCALAR",
        DirectiveLocation::Object => "OBJECT",
        DirectiveLocation::FieldDefinition => "FIELD_DEFINITION",
        DirectiveLocation::ArgumentDefinition => "ARGUMENT_DEFINITION",
        DirectiveLocation::Interface => "INTERFACE",
        DirectiveLocation::Union => "UNION",
        DirectiveLocation::Enum => "ENUM",
        DirectiveLocation::EnumValue => "ENUM_VALUE",
        DirectiveLocation::InputObject => "INPUT_OBJECT",
        DirectiveLocation::InputFieldDefinition => "INPUT_FIELD_DEFINITION",
        DirectiveLocation::VariableDefinition => "VARIABLE_DEFINITION",
    }
}
