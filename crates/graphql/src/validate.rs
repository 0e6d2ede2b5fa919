//! Validates documents by the types of the schema, whatever values their variables have.
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    convert::Infallible,
};

use async_graphql_parser::{
    Pos, Positioned,
    types::{
        Directive, DirectiveLocation, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
        SelectionSet, VariableDefinition,
    },
};
use async_graphql_value::{ConstValue, Name, Value};

use super::{
    model::{Kind, Member, Model, RootKind, Shape, Use},
    overlaps,
    unfit::Unfit,
    values::{fault, use_of},
};

/// Most faults that are reported.
const MOST_FAULTS: usize = 10;

/// Refuses a document that is not valid, with its first faults. Its fragments do not contain themselves.
pub(crate) fn check(model: &Model, document: &ExecutableDocument) -> Result<(), Unfit> {
    let type_name = Member::new("__typename", Use::of("String"), None);
    let (faults, unused) = (Faults::default(), Faults::default());
    let mut validator = Validator { model, document, type_name: &type_name, faults, unused };
    let mut fragments = HashMap::new();
    for (name, fragment) in &document.fragments {
        let (condition, mut uses) = (&fragment.node.type_condition.node.on, Uses::default());
        validator.directives(&fragment.node.directives, DirectiveLocation::FragmentDefinition, &mut uses);
        if validator.check_composite(condition) {
            validator.selection(&condition.node, &fragment.node.selection_set.node, &mut uses);
        }
        fragments.insert(name, uses);
    }
    let mut reached = HashSet::new();
    for (_, operation) in document.operations.iter() {
        validator.operation(&operation.node, &fragments, &mut reached);
    }
    for (name, fragment) in document.fragments.iter().filter(|(name, _)| !reached.contains(name)) {
        validator.unused.report(fragment.pos, || format!("The fragment `{name}` is not used"));
    }
    validator.finish()
}

/// The variables and fragments that a part of a document uses.
#[derive(Default)]
struct Uses<'a> {
    variables: Vec<VariableUse<'a>>,
    fragments: Vec<&'a Name>,
}

/// A variable where a value of a type is expected.
struct VariableUse<'a> {
    name: &'a Name,
    /// `None`: any.
    of: Option<Use>,
    place: Pos,
}

/// The first faults, in the order of the document.
#[derive(Default)]
struct Faults(BTreeSet<(Pos, String)>);

impl Faults {
    fn report(&mut self, place: Pos, text: impl FnOnce() -> String) {
        let is_full = self.0.len() == MOST_FAULTS;
        if is_full && self.0.last().is_some_and(|(last, _)| *last <= place) {
            return;
        }
        self.0.insert((place, text()));
        if self.0.len() > MOST_FAULTS {
            self.0.pop_last();
        }
    }
}

struct Validator<'a> {
    model: &'a Model,
    document: &'a ExecutableDocument,
    type_name: &'a Member,
    faults: Faults,
    /// What is not used. In a part with another fault, its uses may not be known.
    unused: Faults,
}

impl<'a> Validator<'a> {
    fn report(&mut self, place: Pos, text: impl FnOnce() -> String) {
        self.faults.report(place, text);
    }

    fn finish(mut self) -> Result<(), Unfit> {
        if self.faults.0.is_empty() {
            self.faults = self.unused;
        }
        if self.faults.0.is_empty() {
            let operations = self.document.operations.iter();
            let mut conflicts = operations
                .filter_map(|(_, operation)| overlaps::conflict(self.model, &self.document.fragments, &operation.node));
            self.faults.0.extend(conflicts.next());
        }
        let text = |(Pos { line, column }, text): &(Pos, String)| format!("{text} (line {line}, column {column})");
        let texts: Vec<String> = self.faults.0.iter().map(text).collect();
        if texts.is_empty() { Ok(()) } else { Err(Unfit::Invalid(format!("{}.", texts.join("; ")))) }
    }

    fn operation(
        &mut self,
        operation: &'a OperationDefinition,
        fragments: &HashMap<&'a Name, Uses<'a>>,
        reached_by_any: &mut HashSet<&'a Name>,
    ) {
        let mut uses = Uses::default();
        let location = match operation.ty {
            OperationType::Query => DirectiveLocation::Query,
            OperationType::Mutation => DirectiveLocation::Mutation,
            OperationType::Subscription => DirectiveLocation::Subscription,
        };
        self.directives(&operation.directives, location, &mut uses);
        self.selection(RootKind::of(operation.ty).name(), &operation.selection_set.node, &mut uses);
        let (mut reached, mut next) = (HashSet::new(), uses.fragments.clone());
        let mut used_variables: Vec<&VariableUse<'a>> = uses.variables.iter().collect();
        while let Some(name) = next.pop() {
            if let Some(uses) = fragments.get(name).filter(|_| reached.insert(name)) {
                used_variables.extend(&uses.variables);
                next.extend(&uses.fragments);
            }
        }
        reached_by_any.extend(reached);
        self.variables(&operation.variable_definitions, &used_variables);
    }

    /// Checks the variables of an operation, and where they are used.
    fn variables(&mut self, definitions: &'a [Positioned<VariableDefinition>], used_variables: &[&VariableUse<'a>]) {
        let mut known = HashMap::new();
        for Positioned { pos: place, node: definition } in definitions {
            let (name, of) = (&definition.name.node, use_of(&definition.var_type.node));
            let is_input = self.model.is_input(of.name());
            self.directives(&definition.directives, DirectiveLocation::VariableDefinition, &mut Uses::default());
            if !is_input {
                self.report(*place, || format!("`{}` is not an input type", of.name()));
            } else if let Some(default) = &definition.default_value {
                let value = default.node.clone().into_value();
                self.value(&of, &value, (&format!("${name}"), default.pos), &mut Uses::default());
            }
            if !used_variables.iter().any(|used| used.name == name) {
                self.unused.report(*place, || format!("The variable `${name}` is not used"));
            }
            let has_value = definition.default_value.as_ref().is_some_and(|value| value.node != ConstValue::Null);
            if known.insert(name, is_input.then_some((of, has_value))).is_some() {
                self.report(*place, || format!("There are two variables `${name}`"));
            }
        }
        for VariableUse { name, of, place } in used_variables {
            match (known.get(name), of) {
                (None, _) => self.report(*place, || format!("There is no variable `${name}`")),
                (Some(Some((is, has_value))), Some(of)) if !is_accepted(is, *has_value, of) => {
                    self.report(*place, || format!("`${name}` is `{is}`, where `{of}` is expected"));
                }
                (Some(_), _) => {}
            }
        }
    }

    /// Returns whether a type is that of objects or a union, and reports one that is not.
    fn check_composite(&mut self, name: &Positioned<Name>) -> bool {
        let is = !self.model.possible_types(&name.node).is_empty();
        if !is {
            self.report(name.pos, || format!("`{}` is not an object or union type", name.node));
        }
        is
    }

    fn selection(&mut self, of: &str, selection: &'a SelectionSet, uses: &mut Uses<'a>) {
        for Positioned { pos: place, node: item } in &selection.items {
            match item {
                Selection::Field(field) => self.field(of, field, uses),
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.node.directives, DirectiveLocation::InlineFragment, uses);
                    let within = &fragment.node.selection_set.node;
                    match fragment.node.type_condition.as_ref().map(|condition| &condition.node.on) {
                        None => self.selection(of, within, uses),
                        Some(on) if self.check_composite(on) => {
                            self.condition(of, on);
                            self.selection(&on.node, within, uses);
                        }
                        Some(_) => {}
                    }
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.node.directives, DirectiveLocation::FragmentSpread, uses);
                    let name = &spread.node.fragment_name.node;
                    match self.document.fragments.get(name) {
                        None => self.report(*place, || format!("There is no fragment `{name}`")),
                        Some(fragment) => {
                            let on = &fragment.node.type_condition.node.on;
                            self.condition(of, &Positioned::new(on.node.clone(), *place));
                            uses.fragments.push(name);
                        }
                    }
                }
            }
        }
    }

    /// Reports a fragment whose type condition no value of this type can meet.
    fn condition(&mut self, of: &str, on: &Positioned<Name>) {
        let is_known = !self.model.possible_types(&on.node).is_empty();
        if is_known && !self.model.may_be(of, &on.node) {
            self.report(on.pos, || format!("A fragment on `{}` never applies to `{of}`", on.node));
        }
    }

    fn field(&mut self, of: &str, field: &'a Positioned<Field>, uses: &mut Uses<'a>) {
        let Positioned { pos: place, node: field } = field;
        self.directives(&field.directives, DirectiveLocation::Field, uses);
        let (name, model) = (&field.name.node, self.model);
        let mut members = model.members(of).iter().chain([self.type_name]);
        let Some(member) = members.find(|member| member.name == **name) else {
            return self.report(*place, || format!("There is no field `{name}` of `{of}`"));
        };
        self.arguments(&member.arguments, &field.arguments, ("", name, *place), uses);
        let (below, selection) = (member.of.name(), &field.selection_set.node);
        match (model.possible_types(below).is_empty(), selection.items.is_empty()) {
            (true, false) => self.report(*place, || format!("`{name}` is `{}`, which has no fields", member.of)),
            (false, true) => self.report(*place, || format!("`{name}` is `{}`: select fields of it", member.of)),
            (true, true) => {}
            (false, false) => self.selection(below, selection, uses),
        }
    }

    /// Checks the arguments of a field or, with its `@`, of a directive, which stands at this place.
    fn arguments(
        &mut self,
        accepted: &[Member],
        given: &'a [(Positioned<Name>, Positioned<Value>)],
        (sign, name, place): (&str, &str, Pos),
        uses: &mut Uses<'a>,
    ) {
        let mut names = HashSet::new();
        for (argument, value) in given {
            let Positioned { pos, node: argument } = argument;
            if !names.insert(argument) {
                self.report(*pos, || format!("`{sign}{name}` has the argument `{argument}` twice"));
            }
            match accepted.iter().find(|one| one.name == **argument) {
                None => self.report(*pos, || format!("There is no argument `{argument}` of `{sign}{name}`")),
                Some(known) => self.value(&known.of, &value.node, (argument, value.pos), uses),
            }
        }
        for argument in accepted.iter().filter(|argument| !argument.of.is_nullable) {
            if !given.iter().any(|(name, _)| *name.node == argument.name) {
                self.report(place, || format!("`{sign}{name}` requires the argument `{}`", argument.name));
            }
        }
    }

    /// Checks a value that is written in the document.
    fn value<'v>(&mut self, of: &Use, value: &'v Value, (path, place): (&str, Pos), uses: &mut Uses<'v>) {
        match (&of.shape, value) {
            (_, Value::Variable(name)) => uses.variables.push(VariableUse { name, of: Some(of.clone()), place }),
            (_, Value::Null) if of.is_nullable => {}
            (_, Value::Null) => self.report(place, || format!("`{path}` must not be null")),
            (Shape::List(item), Value::List(items)) => {
                for one in items {
                    self.value(item, one, (path, place), uses);
                }
            }
            // One item stands for a list of one.
            (Shape::List(item), one) => self.value(item, one, (path, place), uses),
            (Shape::Named(name), value) => match (self.model.types.get(name).map(|of| &of.kind), value) {
                (Some(Kind::Input(members)), Value::Object(given)) => {
                    for (name, value) in given {
                        let path = format!("{path}.{name}");
                        match members.iter().find(|member| member.name == **name) {
                            None => self.report(place, || format!("There is no member `{path}`")),
                            Some(member) => self.value(&member.of, value, (&path, place), uses),
                        }
                    }
                    for member in members.iter().filter(|member| !member.of.is_nullable) {
                        if !given.contains_key(member.name.as_str()) {
                            self.report(place, || format!("`{path}.{}` is required", member.name));
                        }
                    }
                }
                (Some(Kind::Enum(words)), Value::Enum(word)) if words.iter().any(|one| *one == **word) => {}
                (Some(Kind::Enum(_)), _) => self.report(place, || format!("`{path}` is no `{name}`")),
                (Some(Kind::Scalar(_)), value) => self.scalar(of, value, (path, place), uses),
                _ => self.report(place, || format!("`{path}` is no `{name}`")),
            },
        }
    }

    /// Checks the value of a scalar. Some take lists and objects, which may have variables of any type within.
    fn scalar<'v>(&mut self, of: &Use, value: &'v Value, (path, place): (&str, Pos), uses: &mut Uses<'v>) {
        add_variables(value, place, uses);
        let Ok(constant) = value.clone().into_const_with(|_| Ok::<_, Infallible>(ConstValue::Null));
        if let Some(text) = fault(self.model, of, &constant, path) {
            self.report(place, || text.trim_end_matches('.').to_owned());
        }
    }

    fn directives(&mut self, given: &'a [Positioned<Directive>], location: DirectiveLocation, uses: &mut Uses<'a>) {
        let mut names = HashSet::new();
        for Positioned { pos: place, node: directive } in given {
            let (name, model) = (&directive.name.node, self.model);
            if !names.insert(name) {
                self.report(*place, || format!("`@{name}` is used here twice"));
            }
            match model.directives.iter().find(|known| known.name == **name) {
                None => self.report(*place, || format!("There is no directive `@{name}`")),
                Some(known) if !known.locations.contains(&location) => {
                    self.report(*place, || format!("`@{name}` is not allowed here"));
                }
                Some(known) => {
                    self.arguments(&known.arguments, &directive.arguments, ("@", name, *place), uses);
                }
            }
        }
    }
}

fn add_variables<'a>(value: &'a Value, place: Pos, uses: &mut Uses<'a>) {
    match value {
        Value::Variable(name) => uses.variables.push(VariableUse { name, of: None, place }),
        Value::List(items) => items.iter().for_each(|one| add_variables(one, place, uses)),
        Value::Object(members) => members.values().for_each(|one| add_variables(one, place, uses)),
        _ => {}
    }
}

/// Returns whether a variable of one type, with a default other than null or none, can stand where the other is expected.
fn is_accepted(is: &Use, has_value: bool, expected: &Use) -> bool {
    let is_null = is.is_nullable && !has_value;
    (expected.is_nullable || !is_null)
        && match (&is.shape, &expected.shape) {
            (Shape::Named(is), Shape::Named(expected)) => is == expected,
            (Shape::List(is), Shape::List(expected)) => is_accepted(is, false, expected),
            _ => false,
        }
}

#[cfg(test)]
#[path = "validate/tests.rs"]
mod tests;
