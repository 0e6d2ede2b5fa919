use async_graphql_parser::{parse_query, types::ExecutableDocument};
use serde_json::{Value as Json, json};

use super::*;
use crate::{introspection, model::Answer, value, values::values};

/// A model with queries for an object that refers to a flight, and for one of two types.
fn model() -> Model {
    let mut model = Model::default();
    let types = "scalar Boolean scalar String union Either = Thing | Other
        type Query { me: Thing! either: Either! } type Flight { id: String feed: String } type Other { id: String }
        type Thing { id: String name: String flight_id: String flight: Flight parts: [Thing!]! }";
    introspection::add_definitions(&mut model, types).unwrap();
    introspection::describe(&mut model).unwrap();
    let either = vec![(200, "Thing".to_owned()), (202, "Other".to_owned())];
    for (name, answer) in
        [("me", Answer::One("Thing".to_owned())), ("either", Answer::Union("Either".to_owned(), either))]
    {
        let (kind, method, path) = (RootKind::Query, "GET", String::new());
        model.roots.push(Arc::new(Root { kind, name, about: None, method, path, arguments: Vec::new(), answer }));
    }
    model
}

fn document(query: &str) -> ExecutableDocument {
    parse_query(query).unwrap()
}

fn planned(query: &str, variables: &Json) -> Result<Plan, Unfit> {
    let document = document(query);
    let (_, operation) = document.operations.iter().find(|(name, _)| name.is_none_or(|name| name == "Q")).unwrap();
    let (model, given) = (model(), value::variables(variables.as_object().unwrap()));
    let values = values(&model, &operation.node, &given)?;
    Plan::new(&model, &operation.node, &document.fragments, &values)
}

fn shown(plan: &Plan) -> String {
    fn of(fields: &[ShownField]) -> String {
        let fields = fields.iter().map(|field| {
            let source = match &field.source {
                Source::TypeName(name) | Source::Member(name) => name.clone(),
                Source::Relation(relation) => format!("{relation:?}"),
            };
            format!("{}={source}{}", field.key, within(&field.shown))
        });
        fields.collect::<Vec<_>>().join(" ")
    }
    fn within(shown: &Shown) -> String {
        match shown {
            Shown::Leaf => String::new(),
            Shown::List { item, .. } => format!("[{}]", within(item)),
            Shown::Object(fields) => format!("{{{}}}", of(fields)),
            Shown::OneOf(types) => {
                let types = types.iter().map(|(name, fields)| format!("<{name}: {}>", of(fields)));
                types.collect::<Vec<_>>().concat()
            }
        }
    }
    let fields = plan.fields.iter().map(|field| match &field.source {
        RootSource::TypeName(name) => format!("{}={name}", field.key),
        RootSource::Question(question) => format!("{}=?{}", field.key, within(&question.shown)),
        RootSource::Call(call) => format!("{}={}{}", field.key, call.root.name, within(&call.shown)),
    });
    fields.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_field_that_stands_there_twice_is_one() {
    let query = "query Q($no: Boolean = false) { b: me { id } ...F ... { b: me { name parts { id } } } ...F
        ...G @include(if: $no) c: me @skip(if: true) { id } }
        fragment F on Query { a: me { ...H parts { name } parts { name id } } } fragment G on Query { d: me { id } }
        fragment H on Thing { id @skip(if: $no) name @include(if: $no) } query Other { me { id } ...G }";
    let plan = planned(query, &json!({})).unwrap();
    assert_eq!(shown(&plan), "b=me{id=id name=name parts=parts[{id=id}]} a=me{id=id parts=parts[{name=name id=id}]}");
    assert!(!plan.is_fixed, "it follows `$no`");
    assert_eq!(shown(&planned("{ me { id @skip(if: true) } }", &json!({})).unwrap()), "me=me{}");
}

#[test]
fn types_relations_and_members_are_distinguished() {
    let query =
        "{ __typename __schema { types { name } } __schema { queryType { name } } me { __typename flight { feed } }
        either { kind: __typename ... on Thing { flight { id } } ... on Other { id } ... on Either { __typename } } }";
    let plan = planned(query, &json!({})).unwrap();
    let expected = "__typename=Query __schema=?{types=types[{name=name}] queryType=queryType{name=name}} me=me{__typename=Thing flight=Flight{feed=feed}} \
        either=either<Thing: kind=Thing flight=Flight{id=id} __typename=Thing>\
        <Other: kind=Other id=id __typename=Other>";
    assert_eq!(shown(&plan), expected);
    assert_eq!(plan.calls().map(|call| call.has_relations).collect::<Vec<_>>(), [true, true]);
}

#[test]
fn a_plan_without_variables_in_directives_is_the_same_for_all_values() {
    for (query, is_fixed) in [
        ("query Q($id: ID) { me(id: $id) { id @include(if: true) } }", true),
        ("query Q($is: Boolean!) { me { id @include(if: $is) } }", false),
        ("query Q($is: Boolean!) { me { ...F } } fragment F on Thing { id name @skip(if: $is) }", false),
        ("query Q($name: String!) { __type(name: $name) { name } }", true),
    ] {
        assert_eq!(planned(query, &json!({"is": true, "name": "Thing"})).unwrap().is_fixed, is_fixed, "{query}");
    }
}
