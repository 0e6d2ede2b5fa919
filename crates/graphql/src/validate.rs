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
    let mut validator = Validator { model, document, faults: BTreeSet::new() };
    let mut fragments = HashMap::new();
    for (name, fragment) in &document.fragments {
        let (condition, mut needs) = (&fragment.node.type_condition.node.on, Needs::default());
        validator.directives(&fragment.node.directives, DirectiveLocation::FragmentDefinition, &mut needs);
        if validator.is_composite(condition) {
            validator.selection(&condition.node, &fragment.node.selection_set.node, &mut needs);
        }
        fragments.insert(name, needs);
    }
    let mut used = HashSet::new();
    for (_, operation) in document.operations.iter() {
        validator.operation(&operation.node, &fragments, &mut used);
    }
    for (name, fragment) in document.fragments.iter().filter(|(name, _)| !used.contains(name)) {
        validator.report(fragment.pos, || format!("The fragment `{name}` is not used"));
    }
    validator.finish()
}

/// What a part of a document needs.
#[derive(Default)]
struct Needs<'a> {
    variables: Vec<Needed<'a>>,
    fragments: Vec<&'a Name>,
}

/// A variable where a value of a type is expected.
struct Needed<'a> {
    name: &'a Name,
    /// `None`: any.
    of: Option<Use>,
    place: Pos,
}

struct Validator<'a> {
    model: &'a Model,
    document: &'a ExecutableDocument,
    /// The first ones, in the order of the document.
    faults: BTreeSet<(Pos, String)>,
}

impl<'a> Validator<'a> {
    fn report(&mut self, place: Pos, text: impl FnOnce() -> String) {
        let is_full = self.faults.len() == MOST_FAULTS;
        if is_full && self.faults.last().is_some_and(|(last, _)| *last <= place) {
            return;
        }
        self.faults.insert((place, text()));
        if self.faults.len() > MOST_FAULTS {
            self.faults.pop_last();
        }
    }

    fn finish(self) -> Result<(), Unfit> {
        let text = |(Pos { line, column }, text): &(Pos, String)| format!("{text} (line {line}, column {column})");
        let texts: Vec<String> = self.faults.iter().map(text).collect();
        if texts.is_empty() { Ok(()) } else { Err(Unfit::Invalid(format!("{}.", texts.join("; ")))) }
    }

    fn operation(
        &mut self,
        operation: &'a OperationDefinition,
        fragments: &HashMap<&'a Name, Needs<'a>>,
        used: &mut HashSet<&'a Name>,
    ) {
        let mut needs = Needs::default();
        let location = match operation.ty {
            OperationType::Query => DirectiveLocation::Query,
            OperationType::Mutation => DirectiveLocation::Mutation,
            OperationType::Subscription => DirectiveLocation::Subscription,
        };
        self.directives(&operation.directives, location, &mut needs);
        self.selection(RootKind::of(operation.ty).name(), &operation.selection_set.node, &mut needs);
        let (mut reached, mut next) = (HashSet::new(), needs.fragments.clone());
        let mut needed: Vec<&Needed<'a>> = needs.variables.iter().collect();
        while let Some(name) = next.pop() {
            if let Some(needs) = fragments.get(name).filter(|_| reached.insert(name)) {
                needed.extend(&needs.variables);
                next.extend(&needs.fragments);
            }
        }
        used.extend(reached);
        self.variables(&operation.variable_definitions, &needed);
        if let Some((text, place)) = overlaps::conflict(self.model, &self.document.fragments, operation) {
            self.report(place, || text);
        }
    }

    /// Checks the variables of an operation, and where they are used.
    fn variables(&mut self, definitions: &'a [Positioned<VariableDefinition>], needed: &[&Needed<'a>]) {
        let mut known = HashMap::new();
        for Positioned { pos: place, node: definition } in definitions {
            let (name, of) = (&definition.name.node, use_of(&definition.var_type.node));
            self.directives(&definition.directives, DirectiveLocation::VariableDefinition, &mut Needs::default());
            if !self.model.is_input(of.name()) {
                self.report(*place, || format!("`${name}` is of `{}`, which is no type of inputs", of.name()));
            } else if let Some(default) = &definition.default_value
                && let Some(text) = fault(self.model, &of, &default.node, &format!("${name}"))
            {
                self.report(default.pos, || text.trim_end_matches('.').to_owned());
            }
            if !needed.iter().any(|needed| needed.name == name) {
                self.report(*place, || format!("The variable `${name}` is not used"));
            }
            let has_value = definition.default_value.as_ref().is_some_and(|value| value.node != ConstValue::Null);
            if known.insert(name, (of, has_value)).is_some() {
                self.report(*place, || format!("There are two variables `${name}`"));
            }
        }
        for Needed { name, of, place } in needed {
            match (known.get(name), of) {
                (None, _) => self.report(*place, || format!("There is no variable `${name}`")),
                (Some((is, has_value)), Some(of)) if !is_accepted(is, *has_value, of) => {
                    self.report(*place, || format!("`${name}` is `{is}`, where `{of}` is expected"));
                }
                (Some(_), _) => {}
            }
        }
    }

    /// Returns whether a type has fields or is a union, and reports it otherwise.
    fn is_composite(&mut self, name: &Positioned<Name>) -> bool {
        let is = !self.model.possible_types(&name.node).is_empty();
        if !is {
            self.report(name.pos, || format!("`{}` is no type of objects", name.node));
        }
        is
    }

    fn selection(&mut self, of: &str, selection: &'a SelectionSet, needs: &mut Needs<'a>) {
        for Positioned { pos: place, node: item } in &selection.items {
            match item {
                Selection::Field(field) => self.field(of, field, needs),
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.node.directives, DirectiveLocation::InlineFragment, needs);
                    let within = &fragment.node.selection_set.node;
                    match fragment.node.type_condition.as_ref().map(|condition| &condition.node.on) {
                        None => self.selection(of, within, needs),
                        Some(on) if self.is_composite(on) => {
                            self.condition(of, on);
                            self.selection(&on.node, within, needs);
                        }
                        Some(_) => {}
                    }
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.node.directives, DirectiveLocation::FragmentSpread, needs);
                    let name = &spread.node.fragment_name.node;
                    match self.document.fragments.get(name) {
                        None => self.report(*place, || format!("There is no fragment `{name}`")),
                        Some(fragment) => {
                            let on = &fragment.node.type_condition.node.on;
                            self.condition(of, &Positioned::new(on.node.clone(), *place));
                            needs.fragments.push(name);
                        }
                    }
                }
            }
        }
    }

    /// Reports a fragment that no value of this type is shown by.
    fn condition(&mut self, of: &str, on: &Positioned<Name>) {
        let is_known = !self.model.possible_types(&on.node).is_empty();
        if is_known && !self.model.may_be(of, &on.node) {
            self.report(on.pos, || format!("`{of}` is never `{}`", on.node));
        }
    }

    fn field(&mut self, of: &str, field: &'a Positioned<Field>, needs: &mut Needs<'a>) {
        let Positioned { pos: place, node: field } = field;
        self.directives(&field.directives, DirectiveLocation::Field, needs);
        let (name, model) = (&field.name.node, self.model);
        let members = model.members(of);
        let type_name = Member::new("__typename", Use::of("String"), None);
        let member =
            if *name == type_name.name { Some(&type_name) } else { members.iter().find(|one| one.name == **name) };
        let Some(member) = member else {
            return self.report(*place, || format!("There is no field `{name}` of `{of}`"));
        };
        self.arguments(&member.arguments, &field.arguments, (&format!("`{name}`"), *place), needs);
        let (below, selection) = (member.of.name(), &field.selection_set.node);
        match (model.possible_types(below).is_empty(), selection.items.is_empty()) {
            (true, false) => self.report(*place, || format!("`{name}` is `{}`, which has no fields", member.of)),
            (false, true) => self.report(*place, || format!("`{name}` is `{}`: select fields of it", member.of)),
            (true, true) => {}
            (false, false) => self.selection(below, selection, needs),
        }
    }

    /// Checks the arguments of a field or of a directive, which stands at this place.
    fn arguments(
        &mut self,
        accepted: &[Member],
        given: &'a [(Positioned<Name>, Positioned<Value>)],
        (whose, place): (&str, Pos),
        needs: &mut Needs<'a>,
    ) {
        let mut names = HashSet::new();
        for (name, value) in given {
            if !names.insert(&name.node) {
                self.report(name.pos, || format!("{whose} has the argument `{}` twice", name.node));
            }
            match accepted.iter().find(|one| one.name == *name.node) {
                None => self.report(name.pos, || format!("There is no argument `{}` of {whose}", name.node)),
                Some(argument) => self.value(&argument.of, &value.node, (&name.node, value.pos), needs),
            }
        }
        for argument in accepted.iter().filter(|argument| !argument.of.is_nullable) {
            if !given.iter().any(|(name, _)| *name.node == argument.name) {
                self.report(place, || format!("{whose} requires the argument `{}`", argument.name));
            }
        }
    }

    /// Checks a value that is written in the document.
    fn value(&mut self, of: &Use, value: &'a Value, (path, place): (&str, Pos), needs: &mut Needs<'a>) {
        match (&of.shape, value) {
            (_, Value::Variable(name)) => needs.variables.push(Needed { name, of: Some(of.clone()), place }),
            (_, Value::Null) if of.is_nullable => {}
            (Shape::List(item), Value::List(items)) => {
                for one in items {
                    self.value(item, one, (path, place), needs);
                }
            }
            // One item stands for a list of one.
            (Shape::List(item), one) => self.value(item, one, (path, place), needs),
            (Shape::Named(name), value) => match (self.model.types.get(name).map(|of| &of.kind), value) {
                (Some(Kind::Input(members)), Value::Object(given)) => {
                    for (name, value) in given {
                        let path = format!("{path}.{name}");
                        match members.iter().find(|member| member.name == **name) {
                            None => self.report(place, || format!("There is no member `{path}`")),
                            Some(member) => self.value(&member.of, value, (&path, place), needs),
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
                (Some(Kind::Scalar(_)), value) => self.scalar(of, value, (path, place), needs),
                _ => self.report(place, || format!("`{path}` is no `{name}`")),
            },
        }
    }

    /// Checks the value of a scalar. Some take lists and objects, which may have variables of any type within.
    fn scalar(&mut self, of: &Use, value: &'a Value, (path, place): (&str, Pos), needs: &mut Needs<'a>) {
        add_variables(value, place, needs);
        let Ok(constant) = value.clone().into_const_with(|_| Ok::<_, Infallible>(ConstValue::Null));
        if let Some(text) = fault(self.model, of, &constant, path) {
            self.report(place, || text.trim_end_matches('.').to_owned());
        }
    }

    fn directives(&mut self, given: &'a [Positioned<Directive>], location: DirectiveLocation, needs: &mut Needs<'a>) {
        let mut names = HashSet::new();
        for Positioned { pos: place, node: directive } in given {
            let (name, model) = (&directive.name.node, self.model);
            if !names.insert(name) {
                self.report(*place, || format!("`@{name}` stands here twice"));
            }
            match model.directives.iter().find(|known| known.name == **name) {
                None => self.report(*place, || format!("There is no directive `@{name}`")),
                Some(known) if !known.locations.contains(&location) => {
                    self.report(*place, || format!("`@{name}` must not stand here"));
                }
                Some(known) => {
                    self.arguments(&known.arguments, &directive.arguments, (&format!("`@{name}`"), *place), needs);
                }
            }
        }
    }
}

fn add_variables<'a>(value: &'a Value, place: Pos, needs: &mut Needs<'a>) {
    match value {
        Value::Variable(name) => needs.variables.push(Needed { name, of: None, place }),
        Value::List(items) => items.iter().for_each(|one| add_variables(one, place, needs)),
        Value::Object(members) => members.values().for_each(|one| add_variables(one, place, needs)),
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
