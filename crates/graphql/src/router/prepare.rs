//! Makes of a document what is executed of it: one operation without what the library would do twice, or read as null.
use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
};

use async_graphql::{
    Name, Positioned, Request as Execution, Value, Variables,
    indexmap::{IndexMap, map::Entry},
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
    },
};
use loadmaster_platform::web::Problem;

use super::{
    request::{Asked, invalid},
    service::refuse_invalid,
};
use crate::{
    built::Built,
    overlaps::{self, Fragments},
    unfit::Unfit,
};

/// Validates the whole document, and returns the operation to execute with the fragments that it reaches.
pub(super) async fn prepared(built: &Built, asked: Asked) -> Result<Asked, Problem> {
    validate(built, &asked).await?;
    executed(asked)
}

/// Returns what is executed of a document that is valid.
fn executed(asked: Asked) -> Result<Asked, Problem> {
    let Some(mut operation) = asked.operation().cloned() else { return Ok(asked) };
    let variables = values(&operation.node, asked.variables)?;
    let fragments = asked.document.fragments;
    let mut root =
        Root { fragments: &fragments, variables: &variables, fields: IndexMap::new(), spreads: HashSet::new() };
    root.add(&operation.node.selection_set.node)?;
    let fields = root.fields.into_values();
    let fields = fields.map(|field| Positioned { pos: field.pos, node: Selection::Field(field) });
    operation.node.selection_set.node.items = fields.collect();
    let mut reached = Reached { fragments, variables: &variables, kept: HashMap::new() };
    reached.keep(&mut operation.node.selection_set.node);
    let fragments = reached.kept;
    operation.node.variable_definitions.clear();
    let document = ExecutableDocument { operations: DocumentOperations::Single(operation), fragments };
    overlaps::check(&document).map_err(|unfit| unfit_of(&unfit))?;
    Ok(Asked { document, operation_name: None, variables: Variables::default() })
}

async fn validate(built: &Built, asked: &Asked) -> Result<(), Problem> {
    let mut execution = Execution::new("").variables(asked.variables.clone());
    execution.operation_name.clone_from(&asked.operation_name);
    execution.set_parsed_query(asked.document.clone());
    refuse_invalid(&built.schemas.validated.execute(execution).await)
}

fn unfit_of(unfit: &Unfit) -> Problem {
    let (Unfit::Invalid(text) | Unfit::TooComplex(text)) = unfit;
    invalid("/query", text)
}

/// Returns the values of the variables, with the defaults of those that are absent.
fn values(operation: &OperationDefinition, mut given: Variables) -> Result<Variables, Problem> {
    for definition in operation.variable_definitions.iter().map(|definition| &definition.node) {
        let name = &definition.name.node;
        if let Some(value) = &definition.default_value {
            given.entry(name.clone()).or_insert_with(|| value.node.clone());
        }
        let has_value = given.get(name).is_some_and(|value| *value != Value::Null);
        if !has_value && !definition.var_type.node.nullable {
            return Err(invalid(&format!("/variables/{name}"), &format!("The variable `${name}` is required.")));
        }
    }
    Ok(given)
}

/// The fields of the root by their names in the answer. Each is executed once, also if it stands there twice.
struct Root<'a> {
    fragments: &'a Fragments,
    variables: &'a Variables,
    fields: IndexMap<Name, Positioned<Field>>,
    spreads: HashSet<&'a str>,
}

impl<'a> Root<'a> {
    fn add(&mut self, selection: &'a SelectionSet) -> Result<(), Problem> {
        for item in &selection.items {
            if self.is_skipped(item.node.directives())? {
                continue;
            }
            match &item.node {
                Selection::Field(field) => self.add_field(field.clone())?,
                Selection::InlineFragment(fragment) => self.add(&fragment.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if let Some(fragment) = self.fragments.get(name)
                        && self.spreads.insert(name)
                    {
                        self.add(&fragment.node.selection_set.node)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn add_field(&mut self, mut field: Positioned<Field>) -> Result<(), Problem> {
        // Those that fields may have are obeyed already.
        field.node.directives.clear();
        match self.fields.entry(field.node.response_key().node.clone()) {
            Entry::Vacant(place) => {
                place.insert(field);
            }
            Entry::Occupied(mut first) => {
                if let Some(unfit) = overlaps::conflict(&first.get().node, &field.node) {
                    return Err(unfit_of(&unfit));
                }
                first.get_mut().node.selection_set.node.items.append(&mut field.node.selection_set.node.items);
            }
        }
        Ok(())
    }

    fn is_skipped(&self, directives: &[Positioned<Directive>]) -> Result<bool, Problem> {
        for directive in directives.iter().map(|directive| &directive.node) {
            let name = directive.name.node.as_str();
            let condition = directive.get_argument("if").and_then(|value| {
                value.node.clone().into_const_with(|name| self.variables.get(&name).cloned().ok_or(())).ok()
            });
            match (name, condition) {
                ("skip", Some(Value::Boolean(is))) if is => return Ok(true),
                ("include", Some(Value::Boolean(is))) if !is => return Ok(true),
                ("skip" | "include", Some(Value::Boolean(_))) => {}
                _ => return Err(invalid("/query", &format!("`@{name}` needs `if`, which is true or false."))),
            }
        }
        Ok(false)
    }
}

/// What the operation reaches.
struct Reached<'a> {
    fragments: Fragments,
    variables: &'a Variables,
    kept: Fragments,
}

impl Reached<'_> {
    /// Keeps the fragments of a selection, and puts values in the place of variables.
    fn keep(&mut self, selection: &mut SelectionSet) {
        for item in &mut selection.items {
            for directive in item.node.directives_mut() {
                for (_, value) in &mut directive.node.arguments {
                    let value_of = |name: Name| Ok::<_, Infallible>(self.value(&name));
                    let Ok(given) = std::mem::take(&mut value.node).into_const_with(value_of);
                    value.node = left_out(given).into_value();
                }
            }
            match &mut item.node {
                Selection::Field(field) => {
                    field.node.arguments.retain_mut(|(_, value)| {
                        let value_of = |name: Name| Ok::<_, Infallible>(self.value(&name));
                        let Ok(given) = std::mem::take(&mut value.node).into_const_with(value_of);
                        let is_given = given != absent();
                        value.node = left_out(given).into_value();
                        is_given
                    });
                    self.keep(&mut field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => self.keep(&mut fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    if let Some((name, mut fragment)) = self.fragments.remove_entry(&spread.node.fragment_name.node) {
                        self.keep(&mut fragment.node.selection_set.node);
                        self.kept.insert(name, fragment);
                    }
                }
            }
        }
    }

    fn value(&self, name: &Name) -> Value {
        self.variables.get(name).cloned().unwrap_or_else(absent)
    }
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

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn asked(query: &str, variables: &Json) -> Result<Asked, Problem> {
        let body = json!({"query": query, "operationName": "Q", "variables": variables}).to_string();
        executed(Asked::read(body.as_bytes())?)
    }

    /// The fields of a selection with their arguments.
    fn shown(selection: &SelectionSet) -> String {
        let items = selection.items.iter().map(|item| match &item.node {
            Selection::Field(field) => {
                let field = &field.node;
                let arguments = field.arguments.iter().map(|(name, value)| format!("{}:{} ", name.node, value.node));
                let within = shown(&field.selection_set.node);
                format!("{}({}){{{within}}}", field.response_key().node, arguments.collect::<String>())
            }
            Selection::FragmentSpread(spread) => format!("...{} ", spread.node.fragment_name.node),
            Selection::InlineFragment(fragment) => format!("...{{{}}}", shown(&fragment.node.selection_set.node)),
        });
        items.collect()
    }

    fn root(query: &str, variables: &Json) -> String {
        let asked = asked(query, variables).unwrap_or_else(|problem| panic!("{}", problem.detail()));
        shown(&asked.operation().unwrap().node.selection_set.node)
    }

    #[test]
    fn a_field_of_the_root_that_stands_there_twice_is_one() {
        let query = "query Q($no: Boolean = false) { b: me { id } ...F a: f(x: 1) { id } ... { b: me { name } } ...F
            ...G @include(if: $no) c: me @skip(if: true) { id } }
            fragment F on Query { a: f(x: 1) { ...H } } fragment G on Query { d: me { id } } fragment H on X { z }
            query Other { ...G }";
        let asked = asked(query, &json!({})).unwrap_or_else(|problem| panic!("{}", problem.detail()));
        let operation = &asked.operation().unwrap().node;
        assert_eq!(shown(&operation.selection_set.node), "b(){id(){}name(){}}a(x:1 ){...H id(){}}");
        assert_eq!(asked.document.fragments.keys().map(Name::as_str).collect::<Vec<_>>(), ["H"]);
        assert!(operation.variable_definitions.is_empty());
    }

    #[test]
    fn fields_of_the_root_that_differ_under_one_name_are_refused() {
        for second in ["a: f(x: 2)", "a: f", "a: g(x: 1)", "a: f(y: 1)", "... on Query { a: f(x: null) }"] {
            let query = format!("query Q {{ a: f(x: 1) {second} }}");
            assert_eq!(
                asked(&query, &json!({})).err().map(|problem| problem.code()),
                Some(crate::error::code::GRAPHQL_INVALID),
                "{second}"
            );
        }
    }

    #[test]
    fn what_has_an_absent_variable_is_left_out() {
        let query = "query Q($a: Int, $b: Int, $c: Int = 3) {
            f(a: $a, b: $b, c: $c, in: {a: $a, b: $b, c: $c, in: {a: $a}}, list: [$a, $b, {a: $a}]) { ...F } }
            fragment F on X { g(a: $a, b: $b) }";
        let expected = "f(b:null c:3 in:{b: null, c: 3, in: {}} list:[null, null, {}] ){...F }";
        assert_eq!(root(query, &json!({"b": null})), expected);
        let asked = asked(query, &json!({"b": 2})).unwrap_or_else(|problem| panic!("{}", problem.detail()));
        assert_eq!(shown(&asked.document.fragments["F"].node.selection_set.node), "g(b:2 ){}");
    }

    #[test]
    fn a_required_variable_has_a_value() {
        let query = "query Q($a: Int!, $b: Int! = 1) { f(a: $a, b: $b) }";
        assert_eq!(root(query, &json!({"a": 0})), "f(a:0 b:1 ){}");
        for variables in [json!({}), json!({"a": null}), json!({"a": 1, "b": null})] {
            assert!(asked(query, &variables).is_err(), "{variables}");
        }
    }
}
