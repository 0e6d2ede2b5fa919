//! Refuses fields that cannot be one in the answer: fields with one name are one if they are of one object.
use std::collections::{HashMap, HashSet};

use async_graphql_parser::{
    Pos, Positioned,
    types::{Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::{Name, indexmap::IndexMap};

use super::model::{Kind, Model, RootKind, Shape, Use};

/// The fragments of a document by their names.
pub(crate) type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Compares the fields of an operation that is valid otherwise, and returns the first conflict. In a document that is not, each field
/// could have to be compared with each other.
pub(crate) fn conflict(model: &Model, fragments: &Fragments, operation: &OperationDefinition) -> Option<(Pos, String)> {
    let type_name = Use::of("String");
    let mut survey = Survey { model, fragments, type_name: &type_name, branches: 0 };
    let of = RootKind::of(operation.ty).name();
    survey.compare([(Owner { branch: 0, of }, &operation.selection_set.node)])
}

struct Survey<'a> {
    model: &'a Model,
    fragments: &'a Fragments,
    /// The type of `__typename`.
    type_name: &'a Use,
    branches: usize,
}

/// The object whose fields these are. Within a branch, a value may be of two types if one of them is a union.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owner<'a> {
    branch: usize,
    of: &'a str,
}

/// A field with one name in the answer, as an object has it.
#[derive(Clone, Copy)]
struct Seen<'a> {
    owner: Owner<'a>,
    field: &'a Positioned<Field>,
    of: &'a Use,
}

type Found<'a> = IndexMap<&'a str, Vec<Seen<'a>>>;

impl<'a> Survey<'a> {
    /// Compares the fields of selections that are shown as one object.
    fn compare(
        &mut self,
        selections: impl IntoIterator<Item = (Owner<'a>, &'a SelectionSet)>,
    ) -> Option<(Pos, String)> {
        let (mut found, mut spreads) = (Found::new(), HashSet::new());
        for (owner, selection) in selections {
            self.collect(owner, selection, &mut found, &mut spreads);
        }
        for (key, fields) in found {
            // The first field of each owner, with the branch of the objects below it.
            let mut firsts: HashMap<usize, Vec<(Seen<'a>, usize)>> = HashMap::new();
            let mut below = Vec::with_capacity(fields.len());
            let first = fields.first().map(|field| field.of);
            for field in fields {
                let is_like = |of: &Use| self.has_same_shape(of, field.of);
                if let Some(of) = first.filter(|of| !is_like(of)) {
                    let text = format!("`{key}` is selected twice, as `{of}` and as `{}`: use aliases", field.of);
                    return Some((field.field.pos, text));
                }
                let known = firsts.entry(field.owner.branch).or_default();
                if known.iter().any(|(other, _)| self.is_conflict(other, &field)) {
                    let text =
                        format!("`{key}` is selected twice, as different fields or with other arguments: use aliases");
                    return Some((field.field.pos, text));
                }
                let same = known.iter().find(|(other, _)| other.owner == field.owner).map(|(_, below)| *below);
                let branch = same.unwrap_or_else(|| {
                    self.branches += 1;
                    known.push((field, self.branches));
                    self.branches
                });
                below.push((Owner { branch, of: field.of.name() }, &field.field.node.selection_set.node));
            }
            if let Some(conflict) = self.compare(below) {
                return Some(conflict);
            }
        }
        None
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
                    let name = &field.node.name.node;
                    let member = self.model.members(owner.of).iter().find(|member| member.name == **name);
                    let of = member.map_or(self.type_name, |member| &member.of);
                    let key = field.node.response_key().node.as_str();
                    found.entry(key).or_default().push(Seen { owner, field, of });
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

    /// Returns whether two fields of one branch may be of one object, and are not the same.
    fn is_conflict(&self, one: &Seen<'a>, other: &Seen<'a>) -> bool {
        let is_object = |of: &str| matches!(self.model.types.get(of).map(|of| &of.kind), Some(Kind::Object(_)));
        let (first, second) = (one.owner.of, other.owner.of);
        !is_same(&one.field.node, &other.field.node) && (first == second || !is_object(first) || !is_object(second))
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
