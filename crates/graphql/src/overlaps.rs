//! Refuses fields that cannot be one in the answer: fields with one name are one if they are of one object.
use std::collections::{HashMap, HashSet};

use async_graphql_parser::{
    Pos, Positioned,
    types::{Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::{Name, indexmap::IndexMap};

use super::model::{Kind, Member, Model, RootKind, Shape, Use};

/// The fragments of a document by their names.
pub(crate) type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Compares the fields of an operation whose fragments do not contain themselves, and returns the first conflict.
pub(crate) fn conflict(model: &Model, fragments: &Fragments, operation: &OperationDefinition) -> Option<(String, Pos)> {
    let mut survey = Survey { model, fragments, branches: 0 };
    let of = RootKind::of(operation.ty).name();
    survey.compare([(Owner { branch: 0, of }, &operation.selection_set.node)])
}

struct Survey<'a> {
    model: &'a Model,
    fragments: &'a Fragments,
    branches: usize,
}

/// The object whose fields these are. One value may be of two types of one branch if either is a union.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owner<'a> {
    branch: usize,
    of: &'a str,
}

/// A field with one name in the answer, as an object has it.
struct Seen<'a> {
    owner: Owner<'a>,
    field: &'a Positioned<Field>,
    member: Option<&'a Member>,
    /// The branch of the objects below it.
    below: usize,
}

type Found<'a> = IndexMap<&'a str, Vec<Seen<'a>>>;

impl<'a> Survey<'a> {
    /// Compares the fields of selections that are shown as one object.
    fn compare(
        &mut self,
        selections: impl IntoIterator<Item = (Owner<'a>, &'a SelectionSet)>,
    ) -> Option<(String, Pos)> {
        let (mut found, mut spreads) = (Found::new(), HashSet::new());
        for (owner, selection) in selections {
            self.collect(owner, selection, &mut found, &mut spreads);
        }
        for (key, fields) in found {
            let mut below = Vec::with_capacity(fields.len());
            let mut distinct: Vec<Seen<'a>> = Vec::new();
            for mut field in fields {
                if let Some(conflict) = distinct.iter().find_map(|other| self.conflict(key, other, &field)) {
                    return Some(conflict);
                }
                let same = distinct.iter().find(|other| other.owner == field.owner);
                field.below = same.map_or_else(|| self.branch(), |same| same.below);
                if let Some(member) = field.member {
                    let owner = Owner { branch: field.below, of: member.of.name() };
                    below.push((owner, &field.field.node.selection_set.node));
                }
                if same.is_none() {
                    distinct.push(field);
                }
            }
            if let Some(conflict) = self.compare(below) {
                return Some(conflict);
            }
        }
        None
    }

    const fn branch(&mut self) -> usize {
        self.branches += 1;
        self.branches
    }

    fn collect(
        &self,
        owner: Owner<'a>,
        selection: &'a SelectionSet,
        found: &mut Found<'a>,
        spreads: &mut HashSet<(usize, &'a str)>,
    ) {
        for item in &selection.items {
            let (condition, within) = match &item.node {
                Selection::Field(field) => {
                    let member = self.model.members(owner.of).iter().find(|member| member.name == field.node.name.node);
                    let seen = Seen { owner, field, member, below: 0 };
                    found.entry(field.node.response_key().node.as_str()).or_default().push(seen);
                    continue;
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.node.type_condition.as_ref(), &fragment.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.fragments.get(name) else { continue };
                    if !spreads.insert((owner.branch, name)) {
                        continue;
                    }
                    (Some(&fragment.node.type_condition), &fragment.node.selection_set.node)
                }
            };
            let of = condition.map_or(owner.of, |condition| condition.node.on.node.as_str());
            self.collect(Owner { of, ..owner }, within, found, spreads);
        }
    }

    fn conflict(&self, key: &str, one: &Seen<'a>, other: &Seen<'a>) -> Option<(String, Pos)> {
        let (field, place) = (&other.field.node, other.field.pos);
        let is_object = |of: &str| matches!(self.model.types.get(of).map(|of| &of.kind), Some(Kind::Object(_)));
        let (owner, second) = (one.owner, other.owner);
        let is_other_object = owner.of != second.of && is_object(owner.of) && is_object(second.of);
        if owner.branch == second.branch && !is_other_object && !is_same(&one.field.node, field) {
            let text = format!("`{key}` is selected twice, as different fields or with other arguments: use aliases");
            return Some((text, place));
        }
        let uses = one.member.zip(other.member).filter(|(one, other)| !self.has_same_shape(&one.of, &other.of));
        let (one, other) = uses?;
        Some((format!("`{key}` is selected twice, as `{}` and as `{}`: use aliases", one.of, other.of), place))
    }

    /// Returns whether two values have one form. Members of objects are compared by themselves.
    fn has_same_shape(&self, one: &Use, other: &Use) -> bool {
        let is_leaf = |of: &str| {
            let kind = self.model.types.get(of).map(|of| &of.kind);
            !matches!(kind, Some(Kind::Object(_) | Kind::Union(_)))
        };
        one.is_nullable == other.is_nullable
            && match (&one.shape, &other.shape) {
                (Shape::List(one), Shape::List(other)) => self.has_same_shape(one, other),
                (Shape::Named(one), Shape::Named(other)) => one == other || !(is_leaf(one) || is_leaf(other)),
                _ => false,
            }
    }
}

/// Returns whether two fields are the same, with the same arguments.
fn is_same(one: &Field, other: &Field) -> bool {
    one.name.node == other.name.node
        && one.arguments.len() == other.arguments.len()
        && one
            .arguments
            .iter()
            .all(|(name, value)| other.get_argument(&name.node).is_some_and(|other| other.node == value.node))
}
