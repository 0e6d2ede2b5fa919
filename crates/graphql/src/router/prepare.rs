//! Makes of a document what is executed of it: one operation without what the library would do twice, or read as null.
use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
};

use async_graphql::{
    Name, Positioned, Request as Execution, Value, Variables,
    indexmap::{IndexMap, map::Entry},
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, Selection,
        SelectionSet,
    },
};
use loadmaster_platform::web::Problem;

use super::{
    request::{Asked, invalid},
    service::refuse_invalid,
};
use crate::{built::Built, cost::Unfit, overlaps};

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Validates the whole document, and returns the operation to execute with the fragments that it reaches.
pub(super) async fn prepared(built: &Built, asked: Asked) -> Result<Asked, Problem> {
    validate(built, &asked).await?;
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
                    let Ok(given) = std::mem::take(&mut value.node).into_const_with(|name| self.value(&name));
                    value.node = left_out(given).into_value();
                }
            }
            match &mut item.node {
                Selection::Field(field) => {
                    field.node.arguments.retain_mut(|(_, value)| {
                        let Ok(given) = std::mem::take(&mut value.node).into_const_with(|name| self.value(&name));
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

    fn value(&self, name: &Name) -> Result<Value, Infallible> {
        Ok(self.variables.get(name).cloned().unwrap_or_else(absent))
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
