//! The values of variables, and the arguments of fields with them.
use std::convert::Infallible;

use async_graphql::{
    Name, Value, Variables,
    parser::types::{Field, OperationDefinition},
};

use super::{
    derive::SCALARS,
    model::{Kind, Model, Shape, Use},
    unfit::Unfit,
};

/// Returns the values of an operation's variables, with the defaults of those that are absent.
pub(crate) fn values(operation: &OperationDefinition, given: &Variables) -> Result<Variables, Unfit> {
    let mut values = given.clone();
    for definition in operation.variable_definitions.iter().map(|definition| &definition.node) {
        let name = &definition.name.node;
        if let Some(value) = &definition.default_value {
            values.entry(name.clone()).or_insert_with(|| value.node.clone());
        }
        let has_value = values.get(name).is_some_and(|value| *value != Value::Null);
        if !has_value && !definition.var_type.node.nullable {
            return Err(Unfit::Variable(name.to_string(), format!("The variable `${name}` is required.")));
        }
    }
    Ok(values)
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

/// Returns whether the validation accepts a value for a type, as far as is easily seen; it decides about the others.
pub(crate) fn is_surely(model: &Model, of: &Use, value: &Value) -> bool {
    match (&of.shape, value) {
        (_, Value::Null) => of.is_nullable,
        (Shape::List(item), Value::List(items)) => items.iter().all(|one| is_surely(model, item, one)),
        (Shape::List(item), one) => is_surely(model, item, one),
        (Shape::Named(name), value) => match (model.types.get(name).map(|of| &of.kind), value) {
            (Some(Kind::Input(members)), Value::Object(given)) => {
                let is_member = |name: &Name| members.iter().any(|member| member.name == name.as_str());
                given.keys().all(is_member)
                    && members.iter().all(|member| match given.get(member.name.as_str()) {
                        Some(value) => is_surely(model, &member.of, value),
                        None => member.of.is_nullable,
                    })
            }
            (Some(Kind::Enum(words)), Value::String(word)) => words.contains(word),
            (Some(Kind::Enum(words)), Value::Enum(word)) => words.iter().any(|one| one == word.as_str()),
            (Some(_), _) => false,
            (None, value) => is_scalar(name, value),
        },
    }
}

fn is_scalar(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("String" | "ID", Value::String(_)) | ("Boolean", Value::Boolean(_)) => true,
        ("Int", Value::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        ("Float", Value::Number(number)) => number.as_f64().is_some_and(f64::is_finite),
        (name, _) => SCALARS.iter().any(|(scalar, ..)| *scalar == name),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{parse_query, types::Selection};
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{
        model::{Member, Type},
        value,
    };

    /// Returns the arguments of the first field.
    fn shown(query: &str, variables: &Json) -> Result<String, Unfit> {
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let values = values(&operation.node, &value::variables(variables.as_object().unwrap()))?;
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else { panic!("{query}") };
        let arguments = arguments(&field.node, &values);
        Ok(arguments.iter().map(|(name, value)| format!("{name}:{value} ")).collect())
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
    fn what_is_surely_of_a_type_is_told_from_the_rest() {
        let member = |name: &str, of| Member { name: name.to_owned(), rest: name.to_owned(), of, about: None };
        let input = Kind::Input(vec![
            member("a", Use::of("Int")),
            member("words", Use::of("Word").list().nullable()),
            member("more", Use::of("In").nullable()),
        ]);
        let mut model = Model::default();
        let words = Kind::Enum(vec!["ONE".to_owned(), "TWO".to_owned()]);
        for (name, kind) in [("In", input), ("Word", words)] {
            model.types.insert(name.to_owned(), Type { about: None, kind });
        }
        let is = |of: &Use, given: Json| is_surely(&model, of, &value::constant(&given));
        let of = Use::of("In");
        for given in [
            json!({"a": 1}),
            json!({"a": -3, "words": null}),
            json!({"a": 1, "words": "ONE", "more": {"a": 1, "words": ["TWO", "ONE"]}}),
        ] {
            assert!(is(&of, given.clone()), "{given}");
        }
        for given in [
            json!(null),
            json!(1),
            json!({}),
            json!({"a": null}),
            json!({"a": 1.5}),
            json!({"a": 3_000_000_000_u64}),
            json!({"a": 1, "b": 1}),
            json!({"a": 1, "words": ["THREE"]}),
            json!({"a": 1, "words": [null]}),
            json!({"a": 1, "more": {}}),
        ] {
            assert!(!is(&of, given.clone()), "{given}");
        }
        let scalars = [
            ("String", json!("x"), json!(1)),
            ("Boolean", json!(true), json!("true")),
            ("Float", json!(1.5), json!("1.5")),
            ("ID", json!("x"), json!(1)),
        ];
        for (name, good, bad) in scalars {
            assert!(is(&Use::of(name), good) && !is(&Use::of(name), bad), "{name}");
        }
        assert!(is(&Use::of("Decimal"), json!("1")) && !is(&Use::of("Unknown"), json!(1)));
    }
}
