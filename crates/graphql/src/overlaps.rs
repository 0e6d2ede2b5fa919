//! Refuses fields that cannot be one in the answer. The validation would report each of them with each of its arguments, however many
//! there are.
use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Positioned,
    parser::types::{ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet},
};

use super::cost::Unfit;

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Compares the fields of each selection with each other, and stops at the first that differ.
pub(crate) fn check(document: &ExecutableDocument) -> Result<(), Unfit> {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    operations.chain(fragments).try_for_each(|selection| of(&document.fragments, selection))
}

fn of(fragments: &Fragments, selection: &SelectionSet) -> Result<(), Unfit> {
    Seen { fragments, fields: HashMap::new(), spreads: HashSet::new() }.add(None, selection)?;
    for item in &selection.items {
        match &item.node {
            Selection::Field(field) => of(fragments, &field.node.selection_set.node)?,
            Selection::InlineFragment(fragment) => of(fragments, &fragment.node.selection_set.node)?,
            Selection::FragmentSpread(_) => {}
        }
    }
    Ok(())
}

/// Returns why two fields with the same name in the answer are not one.
pub(crate) fn conflict(one: &Field, other: &Field) -> Option<Unfit> {
    let is_same = one.name.node == other.name.node
        && one.arguments.len() == other.arguments.len()
        && one
            .arguments
            .iter()
            .all(|(name, value)| other.get_argument(&name.node).is_some_and(|other| other.node == value.node));
    let key = &one.response_key().node;
    (!is_same).then(|| {
        Unfit::Invalid(format!("`{key}` is asked for twice, as different fields or with other arguments: use aliases."))
    })
}

/// The fields of a selection by the type they are asked of and their names in the answer.
struct Seen<'a> {
    fragments: &'a Fragments,
    fields: HashMap<(Option<&'a str>, &'a str), &'a Field>,
    spreads: HashSet<&'a str>,
}

impl<'a> Seen<'a> {
    fn add(&mut self, of: Option<&'a str>, selection: &'a SelectionSet) -> Result<(), Unfit> {
        for item in &selection.items {
            match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let first = *self.fields.entry((of, field.response_key().node.as_str())).or_insert(field);
                    if let Some(unfit) = conflict(first, field) {
                        return Err(unfit);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let of = fragment.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                    self.add(of, &fragment.node.selection_set.node)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if let Some(fragment) = self.fragments.get(name)
                        && self.spreads.insert(name)
                    {
                        let of = Some(fragment.node.type_condition.node.on.node.as_str());
                        self.add(of, &fragment.node.selection_set.node)?;
                    }
                }
            }
        }
        Ok(())
    }
}
