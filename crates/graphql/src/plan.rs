//! What an operation calls, and what it shows of the answers. Fields with one name in the answer are one, and what directives leave
//! out is not there.
use std::{collections::HashSet, sync::Arc};

use async_graphql_parser::{
    Pos, Positioned,
    types::{Directive, Field, OperationDefinition, OperationType, Selection, SelectionSet},
};
use async_graphql_value::{ConstValue as Value, Name, Variables, indexmap::IndexMap};

use super::{
    model::{Kind, Model, Relation, Root, RootKind, Shape, Use},
    operations::relation,
    overlaps::Fragments,
    unfit::Unfit,
    values::{arguments, fault},
};

/// The plan of an operation.
#[derive(Debug)]
pub(crate) struct Plan {
    pub fields: Vec<RootField>,
    /// Whether it is the same whatever values the variables have.
    pub is_fixed: bool,
}

/// A field of the root.
#[derive(Debug)]
pub(crate) struct RootField {
    pub key: String,
    pub source: RootSource,
}

#[derive(Debug)]
pub(crate) enum RootSource {
    TypeName(&'static str),
    Question(Box<PlannedQuestion>),
    Call(Box<PlannedCall>),
}

/// A question about the schema, and what is shown of the answer.
#[derive(Debug)]
pub(crate) struct PlannedQuestion {
    /// The field without what is below it.
    pub field: Positioned<Field>,
    pub shown: Shown,
}

/// A call of REST, and what is shown of its answer.
#[derive(Debug)]
pub(crate) struct PlannedCall {
    pub root: Arc<Root>,
    /// The field without what is below it.
    pub field: Positioned<Field>,
    pub shown: Shown,
    /// Whether there are relations in it.
    pub has_relations: bool,
}

/// How a value is shown.
#[derive(Debug)]
pub(crate) enum Shown {
    Leaf,
    List {
        item: Box<Shown>,
        has_nulls: bool,
    },
    Object(Vec<ShownField>),
    /// The fields of each type that the object may have.
    OneOf(Vec<(String, Vec<ShownField>)>),
}

#[derive(Debug)]
pub(crate) struct ShownField {
    pub key: String,
    pub place: Pos,
    pub source: Source,
    pub is_nullable: bool,
    pub shown: Shown,
}

/// Where the value of a field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    TypeName(String),
    /// A member of what REST answered, by its name there.
    Member(String),
    Relation(Relation),
}

impl Plan {
    /// Plans an operation that is valid.
    pub fn new(
        model: &Model,
        operation: &OperationDefinition,
        fragments: &Fragments,
        variables: &Variables,
    ) -> Result<Self, Unfit> {
        let mut planner = Planner { model, fragments, variables, is_fixed: true };
        let kind = RootKind::of(operation.ty);
        let found = planner.collected(kind.name(), [&operation.selection_set.node])?;
        let mut fields = Vec::with_capacity(found.len());
        for (key, same) in found {
            if let Some(first) = same.first() {
                fields.push(planner.root(kind, key, first, &same)?);
            }
        }
        Ok(Self { fields, is_fixed: planner.is_fixed })
    }

    /// Returns its calls.
    pub fn calls(&self) -> impl Iterator<Item = &PlannedCall> {
        self.fields.iter().filter_map(|field| match &field.source {
            RootSource::Call(call) => Some(&**call),
            _ => None,
        })
    }

    /// Refuses an argument that, with the values of its variables, is not of its type.
    pub fn check(&self, model: &Model, variables: &Variables) -> Result<(), Unfit> {
        for call in self.calls() {
            let given = arguments(&call.field.node, variables);
            let found = call.root.arguments.iter().find_map(|argument| {
                match given.iter().find(|(given, _)| given.as_str() == argument.name) {
                    Some((_, value)) => fault(model, &argument.of, value, &argument.name),
                    None => (!argument.of.is_nullable).then(|| format!("`{}` is required.", argument.name)),
                }
            });
            if let Some(text) = found {
                let Pos { line, column } = call.field.pos;
                let text = text.trim_end_matches('.');
                return Err(Unfit::Invalid(format!("{text} (`{}`, line {line}, column {column}).", call.root.name)));
            }
        }
        Ok(())
    }
}

impl Shown {
    /// Returns whether it is an object that shows this member of REST.
    pub fn shows(&self, member: &str) -> bool {
        let Self::Object(fields) = self else { return false };
        fields.iter().any(|field| matches!(&field.source, Source::Member(name) if name == member))
    }

    /// Returns the fields of the object's type, if it may have several.
    pub fn of_type(&self, name: Option<&str>) -> Option<&[ShownField]> {
        let Self::OneOf(types) = self else { return None };
        types.iter().find(|(of, _)| Some(of.as_str()) == name).map(|(_, fields)| fields.as_slice())
    }

    fn has_relations(&self) -> bool {
        let has = |fields: &[ShownField]| {
            fields.iter().any(|field| matches!(field.source, Source::Relation(_)) || field.shown.has_relations())
        };
        match self {
            Self::Leaf => false,
            Self::List { item, .. } => item.has_relations(),
            Self::Object(fields) => has(fields),
            Self::OneOf(types) => types.iter().any(|(_, fields)| has(fields)),
        }
    }
}

/// The fields of a selection by their names in the answer, each as often as it stands there.
type Collected<'a> = IndexMap<&'a Name, Vec<&'a Positioned<Field>>>;

struct Planner<'a> {
    model: &'a Model,
    fragments: &'a Fragments,
    variables: &'a Variables,
    is_fixed: bool,
}

impl<'a> Planner<'a> {
    fn root(
        &mut self,
        kind: RootKind,
        key: &Name,
        first: &'a Positioned<Field>,
        fields: &[&'a Positioned<Field>],
    ) -> Result<RootField, Unfit> {
        let (key, Positioned { pos, node: first }) = (key.to_string(), first);
        // Directives are obeyed already.
        let Field { alias, name, arguments, .. } = first.clone();
        let field = Field { alias, name, arguments, directives: Vec::new(), selection_set: Positioned::default() };
        let field = Positioned::new(field, *pos);
        let source = match first.name.node.as_str() {
            "__typename" => RootSource::TypeName(kind.name()),
            name @ ("__schema" | "__type") => {
                let of = if name == "__type" { "__Type" } else { "__Schema" };
                let shown = self.shown(&Use::of(of), fields)?;
                RootSource::Question(Box::new(PlannedQuestion { field, shown }))
            }
            name => {
                let root = self.model.root(kind, name);
                let root = root.ok_or_else(|| Unfit::Invalid(format!("There is no field `{name}`.")))?.clone();
                let shown = self.shown(&root.answer.of(), fields)?;
                let has_relations = shown.has_relations();
                RootSource::Call(Box::new(PlannedCall { root, field, shown, has_relations }))
            }
        };
        Ok(RootField { key, source })
    }

    /// Plans how values of a type are shown, by what stands below these fields.
    fn shown(&mut self, of: &Use, fields: &[&'a Positioned<Field>]) -> Result<Shown, Unfit> {
        let name = match &of.shape {
            Shape::List(item) => {
                let (has_nulls, item) = (item.is_nullable, Box::new(self.shown(item, fields)?));
                return Ok(Shown::List { item, has_nulls });
            }
            Shape::Named(name) => name,
        };
        Ok(match self.model.types.get(name).map(|of| &of.kind) {
            Some(Kind::Object(_)) => Shown::Object(self.fields(name, fields)?),
            Some(Kind::Union(types)) => {
                let types = types.iter().map(|name| Ok((name.clone(), self.fields(name, fields)?)));
                Shown::OneOf(types.collect::<Result<_, Unfit>>()?)
            }
            _ => Shown::Leaf,
        })
    }

    fn fields(&mut self, of: &str, above: &[&'a Positioned<Field>]) -> Result<Vec<ShownField>, Unfit> {
        let model = self.model;
        let found = self.collected(of, above.iter().map(|field| &field.node.selection_set.node))?;
        let mut shown = Vec::with_capacity(found.len());
        for (key, fields) in found {
            let Some(Positioned { pos: place, node: field }) = fields.first() else { continue };
            let (key, place) = (key.to_string(), *place);
            if field.name.node == "__typename" {
                let source = Source::TypeName(of.to_owned());
                shown.push(ShownField { key, place, source, is_nullable: false, shown: Shown::Leaf });
                continue;
            }
            let member = model.members(of).iter().find(|member| member.name == field.name.node.as_str());
            let Some(member) = member else {
                return Err(Unfit::Invalid(format!("There is no field `{}` of `{of}`.", field.name.node)));
            };
            let source = match relation(model, of, member) {
                Some(relation) => Source::Relation(relation),
                None => Source::Member(member.rest.clone()),
            };
            let is_nullable = member.of.is_nullable;
            shown.push(ShownField { key, place, source, is_nullable, shown: self.shown(&member.of, &fields)? });
        }
        Ok(shown)
    }

    fn collected(
        &mut self,
        of: &str,
        selections: impl IntoIterator<Item = &'a SelectionSet>,
    ) -> Result<Collected<'a>, Unfit> {
        let (mut found, mut spreads) = (IndexMap::new(), HashSet::new());
        for selection in selections {
            self.collect(of, selection, &mut found, &mut spreads)?;
        }
        Ok(found)
    }

    fn collect(
        &mut self,
        of: &str,
        selection: &'a SelectionSet,
        found: &mut Collected<'a>,
        spreads: &mut HashSet<&'a str>,
    ) -> Result<(), Unfit> {
        for item in &selection.items {
            if self.is_left_out(item.node.directives())? {
                continue;
            }
            let (condition, within) = match &item.node {
                Selection::Field(field) => {
                    found.entry(&field.node.response_key().node).or_default().push(field);
                    continue;
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.node.type_condition.as_ref(), &fragment.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    let Some(fragment) = self.fragments.get(name).filter(|_| spreads.insert(name)) else { continue };
                    (Some(&fragment.node.type_condition), &fragment.node.selection_set.node)
                }
            };
            if condition.is_none_or(|condition| self.model.may_be(of, condition.node.on.node.as_str())) {
                self.collect(of, within, found, spreads)?;
            }
        }
        Ok(())
    }

    fn is_left_out(&mut self, directives: &[Positioned<Directive>]) -> Result<bool, Unfit> {
        let mut is_left_out = false;
        for directive in directives.iter().map(|directive| &directive.node) {
            let name = directive.name.node.as_str();
            let condition = directive.get_argument("if").and_then(|value| {
                let value_of = |name: Name| {
                    self.is_fixed = false;
                    self.variables.get(&name).cloned().ok_or(())
                };
                value.node.clone().into_const_with(value_of).ok()
            });
            match (name, condition) {
                ("skip", Some(Value::Boolean(is))) => is_left_out |= is,
                ("include", Some(Value::Boolean(is))) => is_left_out |= !is,
                _ => return Err(Unfit::Invalid(format!("`@{name}` needs `if`, which is true or false."))),
            }
        }
        Ok(is_left_out)
    }
}

impl RootKind {
    pub const fn of(operation: OperationType) -> Self {
        match operation {
            OperationType::Query => Self::Query,
            OperationType::Mutation => Self::Mutation,
            OperationType::Subscription => Self::Subscription,
        }
    }
}

#[cfg(test)]
#[path = "plan/tests.rs"]
mod tests;
