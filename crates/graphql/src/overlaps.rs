//! Refuses fields that cannot be one in the answer. The validation would report each of them with each of its arguments, however many
//! there are.
use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Positioned,
    parser::types::{ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet},
};

use super::unfit::Unfit;

/// The fragments of a document by their names.
pub(crate) type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Most fields that stand again in a selection of a question about the schema: each is answered anew for each member of a type.
const MOST_AGAIN: usize = 20;

/// Compares the fields of each selection with each other, and stops at the first that differ.
pub(crate) fn check(document: &ExecutableDocument) -> Result<(), Unfit> {
    let mut survey = Survey { fragments: &document.fragments, again: 0 };
    for (_, operation) in document.operations.iter() {
        survey.of(&operation.node.selection_set.node, false)?;
    }
    for fragment in document.fragments.values().map(|fragment| &fragment.node) {
        survey.of(&fragment.selection_set.node, fragment.type_condition.node.on.node.starts_with("__"))?;
    }
    Ok(())
}

struct Survey<'a> {
    fragments: &'a Fragments,
    /// The fields of questions about the schema that stand there again.
    again: usize,
}

impl Survey<'_> {
    fn of(&mut self, selection: &SelectionSet, is_introspection: bool) -> Result<(), Unfit> {
        let mut seen = Seen { fragments: self.fragments, fields: HashMap::new(), spreads: HashSet::new(), again: 0 };
        seen.add(None, selection)?;
        if is_introspection {
            self.again += seen.again;
        }
        if self.again > MOST_AGAIN {
            let text = format!("A question about the schema has more than {MOST_AGAIN} fields twice.");
            return Err(Unfit::TooComplex(text));
        }
        for item in &selection.items {
            match &item.node {
                Selection::Field(field) => {
                    let is_question = matches!(field.node.name.node.as_str(), "__schema" | "__type");
                    self.of(&field.node.selection_set.node, is_introspection || is_question)?;
                }
                Selection::InlineFragment(fragment) => self.of(&fragment.node.selection_set.node, is_introspection)?,
                Selection::FragmentSpread(_) => {}
            }
        }
        Ok(())
    }
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
    /// The fields that stand there again.
    again: usize,
}

impl<'a> Seen<'a> {
    fn add(&mut self, of: Option<&'a str>, selection: &'a SelectionSet) -> Result<(), Unfit> {
        for item in &selection.items {
            match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    if let Some(first) = self.fields.insert((of, field.response_key().node.as_str()), field) {
                        self.again += 1;
                        if let Some(unfit) = conflict(first, field) {
                            return Err(unfit);
                        }
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
