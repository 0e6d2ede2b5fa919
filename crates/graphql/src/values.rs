//! The values of variables, and the arguments of fields with them.
use std::convert::Infallible;

use async_graphql_parser::types::{BaseType, Field, OperationDefinition, Type as ParsedType};
use async_graphql_value::{ConstValue as Value, Name, Variables, indexmap::IndexMap};

use super::{
    model::{Kind, Member, Model, Shape, Use},
    unfit::Unfit,
};

/// Returns the values of an operation's variables, each of its type, with the defaults of those that are absent.
pub(crate) fn values(model: &Model, operation: &OperationDefinition, given: &Variables) -> Result<Variables, Unfit> {
    let mut values = given.clone();
    for definition in operation.variable_definitions.iter().map(|definition| &definition.node) {
        let (name, of) = (&definition.name.node, &definition.var_type.node);
        let refused = |text: String| Unfit::Variable(name.to_string(), text);
        match values.get(name) {
            Some(Value::Null) | None
                if !of.nullable && (given.contains_key(name) || definition.default_value.is_none()) =>
            {
                return Err(refused(format!("The variable `${name}` is required.")));
            }
            Some(value) => {
                if let Some(text) = fault(model, &use_of(of), value, &format!("${name}")) {
                    return Err(refused(text));
                }
            }
            None => {
                if let Some(value) = &definition.default_value {
                    values.insert(name.clone(), value.node.clone());
                }
            }
        }
    }
    Ok(values)
}

pub(crate) fn use_of(of: &ParsedType) -> Use {
    let used = match &of.base {
        BaseType::Named(name) => Use::of(name.as_str()),
        BaseType::List(item) => use_of(item).list(),
    };
    used.or_null(of.nullable)
}

/// Returns the arguments of a field. One whose variable is absent is absent, too.
pub(crate) fn arguments(field: &Field, variables: &Variables) -> Vec<(Name, Value)> {
    let arguments = field.arguments.iter().filter_map(|(name, value)| {
        let value_of = |name: Name| Ok::<_, Infallible>(variables.get(&name).cloned().unwrap_or_else(absent));
        let Ok(given) = value.node.clone().into_const_with(value_of);
        (given != absent()).then(|| (name.node.clone(), left_out(given)))
    });
    arguments.collect()
}

/// Returns what stands for the value of an absent variable: no word of a document is empty.
fn absent() -> Value {
    Value::Enum(Name::new(""))
}

/// Leaves out the members of an input whose variables are absent. An item of a list is null then.
fn left_out(value: Value) -> Value {
    match value {
        Value::List(items) => {
            let item = |item| if item == absent() { Value::Null } else { left_out(item) };
            Value::List(items.into_iter().map(item).collect())
        }
        Value::Object(members) => {
            let given = members.into_iter().filter(|(_, value)| *value != absent());
            Value::Object(given.map(|(name, value)| (name, left_out(value))).collect())
        }
        other => other,
    }
}

/// Returns what is wrong with a value of this type, which stands at this path; `None`: nothing.
pub(crate) fn fault(model: &Model, of: &Use, value: &Value, path: &str) -> Option<String> {
    match (&of.shape, value) {
        (_, Value::Null) => (!of.is_nullable).then(|| format!("`{path}` must not be null.")),
        (Shape::List(item), Value::List(items)) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(number, one)| fault(model, item, one, &format!("{path}[{number}]")))
        }
        // One item stands for a list of one.
        (Shape::List(item), one) => fault(model, item, one, path),
        (Shape::Named(name), value) => {
            let is_fit = match (model.types.get(name).map(|of| &of.kind), value) {
                (Some(Kind::Input(members)), Value::Object(given)) => {
                    return fault_of_input(model, members, given, path);
                }
                (Some(Kind::Enum(words)), Value::String(word)) => words.contains(word),
                (Some(Kind::Enum(words)), Value::Enum(word)) => words.iter().any(|one| one == word.as_str()),
                (Some(Kind::Scalar(_)), value) => is_scalar(name, value),
                _ => false,
            };
            (!is_fit).then(|| format!("`{path}` is no `{name}`."))
        }
    }
}

fn fault_of_input(model: &Model, members: &[Member], given: &IndexMap<Name, Value>, path: &str) -> Option<String> {
    let is_member = |name: &Name| members.iter().any(|member| member.name == name.as_str());
    if let Some(name) = given.keys().find(|name| !is_member(name)) {
        return Some(format!("`{path}` has the unknown member `{name}`."));
    }
    members.iter().find_map(|member| {
        let path = format!("{path}.{}", member.name);
        match given.get(member.name.as_str()) {
            Some(value) => fault(model, &member.of, value, &path),
            None => (!member.of.is_nullable).then(|| format!("`{path}` is required.")),
        }
    })
}

/// Returns whether a scalar can have a value. REST judges those that are not of every schema.
fn is_scalar(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("String" | "ID", Value::String(_)) | ("Boolean", Value::Boolean(_)) => true,
        ("ID", Value::Number(number)) => number.is_i64(),
        ("Int", Value::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        ("Float", Value::Number(number)) => number.as_f64().is_some_and(f64::is_finite),
        (name, _) => !matches!(name, "String" | "ID" | "Boolean" | "Int" | "Float"),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql_parser::{parse_query, types::Selection};
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{introspection, value};

    fn model(types: &str) -> Model {
        let mut model = Model::default();
        introspection::add_definitions(&mut model, types).unwrap();
        model
    }

    /// Returns the arguments of the first field.
    fn shown(query: &str, variables: &Json) -> Result<String, Unfit> {
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let given = value::variables(variables.as_object().unwrap());
        let values = values(&model("scalar Int scalar Boolean"), &operation.node, &given)?;
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else { panic!("{query}") };
        let arguments = arguments(&field.node, &values);
        Ok(arguments.iter().map(|(name, value)| format!("{name}:{value} ")).collect::<Vec<_>>().concat())
    }

    #[test]
    fn what_has_an_absent_variable_is_left_out() {
        let query = "query Q($a: Int, $b: Int, $c: Int = 3) {
            f(a: $a, b: $b, c: $c, in: {a: $a, b: $b, c: $c, in: {a: $a}}, list: [$a, $b, {a: $a}]) { id } }";
        let expected = "b:null c:3 in:{b: null, c: 3, in: {}} list:[null, null, {}] ";
        assert_eq!(shown(query, &json!({"b": null})).unwrap(), expected);
    }

    #[test]
    fn a_required_variable_has_a_value() {
        let query = "query Q($a: Int!, $b: Int! = 1) { f(a: $a, b: $b) }";
        assert_eq!(shown(query, &json!({"a": 0})).unwrap(), "a:0 b:1 ");
        for variables in [json!({}), json!({"a": null}), json!({"a": 1, "b": null})] {
            assert!(matches!(shown(query, &variables), Err(Unfit::Variable(..))), "{variables}");
        }
    }

    #[test]
    fn a_variable_is_of_its_type() {
        let query = "query Q($a: [Int!], $b: Boolean = true) { f(a: $a, b: $b) }";
        assert_eq!(shown(query, &json!({"a": 1})).unwrap(), "a:1 b:true ");
        for (variables, text) in [
            (json!({"a": [1, null]}), "`$a[1]` must not be null."),
            (json!({"a": ["1"]}), "`$a[0]` is no `Int`."),
            (json!({"b": "true"}), "`$b` is no `Boolean`."),
        ] {
            let Err(Unfit::Variable(_, found)) = shown(query, &variables) else { panic!("{variables}") };
            assert_eq!(found, text);
        }
    }

    #[test]
    fn a_value_that_is_not_of_its_type_has_a_fault_at_its_place() {
        let types =
            "scalar String scalar Boolean scalar Float scalar Int scalar ID scalar Decimal enum Word { ONE TWO }
            input In { a: Int! words: [Word!] more: In }";
        let model = model(types);
        let fault = |of: &Use, given: &Json| fault(&model, of, &value::constant(given), "in");
        let of = Use::of("In");
        for given in [
            json!({"a": 1}),
            json!({"a": -3, "words": null}),
            json!({"a": 1, "words": "ONE", "more": {"a": 1, "words": ["TWO", "ONE"]}}),
        ] {
            assert_eq!(fault(&of, &given), None, "{given}");
        }
        for (given, text) in [
            (json!(null), "`in` must not be null."),
            (json!(1), "`in` is no `In`."),
            (json!([{}]), "`in` is no `In`."),
            (json!({}), "`in.a` is required."),
            (json!({"a": null}), "`in.a` must not be null."),
            (json!({"a": 1.5}), "`in.a` is no `Int`."),
            (json!({"a": 3_000_000_000_u64}), "`in.a` is no `Int`."),
            (json!({"a": 1, "b": 1}), "`in` has the unknown member `b`."),
            (json!({"a": 1, "words": ["ONE", "THREE"]}), "`in.words[1]` is no `Word`."),
            (json!({"a": 1, "words": [null]}), "`in.words[0]` must not be null."),
            (json!({"a": 1, "more": {}}), "`in.more.a` is required."),
        ] {
            assert_eq!(fault(&of, &given).as_deref(), Some(text), "{given}");
        }
        let scalars = [
            ("String", json!("x"), json!(1)),
            ("Boolean", json!(true), json!("true")),
            ("Float", json!(1), json!("1.5")),
            ("ID", json!(1), json!(1.5)),
            ("Decimal", json!("1"), json!(null)),
        ];
        for (name, good, bad) in scalars {
            assert!(fault(&Use::of(name), &good).is_none() && fault(&Use::of(name), &bad).is_some(), "{name}");
        }
        assert!(fault(&Use::of("Unknown"), &json!(1)).is_some());
    }
}
