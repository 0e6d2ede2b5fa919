//! Documents: read, validated and planned once for all requests that have the same text.
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, OnceLock},
};

use async_graphql_parser::{
    Positioned, parse_query,
    types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet},
};
use async_graphql_value::{Name, Variables};
use quick_cache::{Equivalent, Weighter, sync::Cache};

use super::request::Asked;
use crate::{
    brackets,
    cost::{self, Bounds, Cost},
    model::Model,
    plan::Plan,
    unfit::Unfit,
    validate,
    values::values,
};

/// Units of complexity that count as one request.
const UNITS: u64 = 200;
/// Most bytes of text of the documents that are kept, each with [`EACH`] more. In memory they take up to a hundred times as many.
const MOST_KEPT: u64 = 256 * 1024;
const EACH: u64 = 1024;
/// Documents of the usual size that these are.
const USUAL: usize = 64;

/// A document, and the operation of it that is executed.
pub(crate) struct Document {
    parsed: ExecutableDocument,
    operation_name: Option<String>,
    /// What does not follow the values of variables.
    cost: OnceLock<Cost>,
    plan: OnceLock<Arc<Plan>>,
}

/// What is executed.
pub(crate) struct Prepared {
    pub plan: Arc<Plan>,
    pub values: Variables,
}

impl Document {
    pub fn parse(asked: &Asked) -> Result<Self, Unfit> {
        if brackets::is_too_deep(&asked.query) {
            let text = format!("Brackets are nested more than {} levels deep.", cost::MOST_LEVELS);
            return Err(Unfit::TooComplex(text));
        }
        let parsed = parse_query(&asked.query).map_err(|error| Unfit::Invalid(format!("{error}.")))?;
        let operation_name = asked.operation_name.clone();
        Ok(Self { parsed, operation_name, cost: OnceLock::new(), plan: OnceLock::new() })
    }

    /// Returns the operation that is executed.
    pub fn operation(&self) -> Option<&Positioned<OperationDefinition>> {
        match (&self.parsed.operations, &self.operation_name) {
            (DocumentOperations::Single(operation), None) => Some(operation),
            (DocumentOperations::Multiple(operations), Some(name)) => operations.get(&Name::new(name)),
            (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
            _ => None,
        }
    }

    pub fn cost(&self, model: &Model, variables: &Variables, bounds: Bounds) -> Result<Cost, Unfit> {
        if let Some(cost) = self.cost.get() {
            return Ok(*cost);
        }
        let cost = cost::measure(model, &self.parsed, self.operation_name.as_deref(), variables, bounds)?;
        if cost.is_fixed {
            _ = self.cost.set(cost);
        }
        Ok(cost)
    }

    /// Returns the number of requests that the operation counts as: those for its complexity, and at least its calls of REST.
    pub fn requests(&self, cost: &Cost) -> u64 {
        let calls = if cost.kind == OperationType::Subscription { 1 } else { self.calls() };
        cost.complexity.div_ceil(UNITS).max(calls)
    }

    /// Returns the number of fields at the root that call REST, each as often as it stands there by fragments.
    fn calls(&self) -> u64 {
        let selection = self.operation().map(|operation| &operation.node.selection_set.node);
        selection.map_or(0, |selection| self.calls_of(selection, &mut HashMap::new()))
    }

    /// A fragment is counted once. One that contains itself adds nothing there.
    fn calls_of<'a>(&'a self, selection: &'a SelectionSet, known: &mut HashMap<&'a str, u64>) -> u64 {
        let calls = selection.items.iter().map(|item| match &item.node {
            Selection::Field(field) => u64::from(!field.node.name.node.starts_with("__")),
            Selection::InlineFragment(fragment) => self.calls_of(&fragment.node.selection_set.node, known),
            Selection::FragmentSpread(spread) => {
                let found = self.parsed.fragments.get_key_value(&spread.node.fragment_name.node);
                let Some((name, fragment)) = found else { return 0 };
                if let Some(calls) = known.get(name.as_str()) {
                    return *calls;
                }
                known.insert(name, 0);
                let calls = self.calls_of(&fragment.node.selection_set.node, known);
                known.insert(name, calls);
                calls
            }
        });
        calls.fold(0, u64::saturating_add)
    }

    /// Validates and plans the operation with the values of its variables.
    pub fn prepare(&self, model: &Model, given: &Variables) -> Result<Prepared, Unfit> {
        let operation = &self.operation().ok_or_else(cost::no_operation)?.node;
        let known = self.plan.get().cloned();
        if known.is_none() {
            validate::check(model, &self.parsed)?;
        }
        let values = values(model, operation, given)?;
        let plan = match known {
            Some(plan) => plan,
            None => Arc::new(Plan::new(model, operation, &self.parsed.fragments, &values)?),
        };
        if plan.is_fixed {
            _ = self.plan.set(plan.clone());
        }
        plan.check(model, &values)?;
        Ok(Prepared { plan, values })
    }
}

/// The documents of late, by their texts and operations.
pub(crate) struct Documents(Cache<Key, Arc<Document>, Length>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    query: String,
    operation_name: Option<String>,
}

/// The same, as it is looked for.
#[derive(Hash)]
struct KeyOf<'a> {
    query: &'a str,
    operation_name: Option<&'a str>,
}

impl Equivalent<Key> for KeyOf<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.query == key.query && self.operation_name == key.operation_name.as_deref()
    }
}

#[derive(Clone)]
struct Length;

impl Weighter<Key, Arc<Document>> for Length {
    fn weight(&self, key: &Key, _: &Arc<Document>) -> u64 {
        u64::try_from(key.query.len()).unwrap_or(u64::MAX).saturating_add(EACH)
    }
}

impl Default for Documents {
    fn default() -> Self {
        Self(Cache::with_weighter(USUAL, MOST_KEPT, Length))
    }
}

impl Documents {
    pub fn get(&self, asked: &Asked) -> Option<Arc<Document>> {
        self.0.get(&KeyOf { query: &asked.query, operation_name: asked.operation_name.as_deref() })
    }

    /// Keeps a document that is valid, if its plan does not follow the values of variables.
    pub fn keep(&self, asked: Asked, document: &Arc<Document>) {
        if document.plan.get().is_some() {
            let Asked { query, operation_name, .. } = asked;
            self.0.insert(Key { query, operation_name }, document.clone());
        }
    }
}
