//! Measures a document before anything runs: its depth, its complexity, and what would be repeated without end.
use std::collections::{HashMap, HashSet};

use async_graphql_parser::{
    Positioned,
    types::{
        ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};
use async_graphql_value::{ConstValue as Value, Name, Variables};

use super::{
    model::{Answer, Model, RootKind},
    unfit::Unfit,
};

/// Most levels of brackets in a document, and of selections within each other.
pub(crate) const MOST_LEVELS: usize = 32;
/// Most operations in a document, of which one is executed.
pub(crate) const MOST_OPERATIONS: usize = 5;
/// Most aliases of an operation.
pub(crate) const MOST_ALIASES: u64 = 100;
/// Most variables of an operation.
const MOST_VARIABLES: u64 = 100;
/// Most arguments of a field.
const MOST_ARGUMENTS: usize = 32;
/// How many times the bounds of one operation all operations and fragments of a document may have together.
const MOST_TIMES: u64 = MOST_OPERATIONS as u64;
/// Most levels of fields of a question about the schema.
const INTROSPECTION_DEPTH: u64 = 15;
/// Most aliases in a question about the schema: tools use none.
const MOST_QUESTION_ALIASES: u64 = 10;
/// Most lists of types, members and arguments in a question about the schema: tools ask for nine.
const MOST_LISTS: u64 = 20;
/// Entries of a page unless `first` asks for fewer, and at most.
const DEFAULT_PAGE: u64 = 50;
const MOST_PAGE: u64 = 100;

/// The lists of the schema's description.
const LISTS: [&str; 8] =
    ["types", "fields", "inputFields", "interfaces", "possibleTypes", "enumValues", "args", "directives"];
/// Those that lead back to types, and from there to themselves.
const CIRCLES: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];

#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub depth: u64,
    pub complexity: u64,
}

/// What an operation costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    pub kind: OperationType,
    pub complexity: u64,
    /// Whether it is the same whatever values the variables have.
    pub is_fixed: bool,
}

/// The measures of a selection.
#[derive(Debug, Clone, Copy, Default)]
struct Measure {
    complexity: u64,
    depth: u64,
    aliases: u64,
    introspection: u64,
    lists: u64,
    question_aliases: u64,
    /// Levels of selections within each other.
    levels: usize,
    /// The fields of this level, with those of its fragments.
    fields: u64,
    /// The fields of each level of brackets, with those of the levels within it that are no fields: what a document costs that nests
    /// them without need.
    visits: u64,
}

impl Measure {
    /// Adds what stands beside it.
    fn and(self, other: Self) -> Self {
        Self {
            complexity: self.complexity.saturating_add(other.complexity),
            depth: self.depth.max(other.depth),
            aliases: self.aliases.saturating_add(other.aliases),
            introspection: self.introspection.max(other.introspection),
            lists: self.lists.saturating_add(other.lists),
            question_aliases: self.question_aliases.saturating_add(other.question_aliases),
            levels: self.levels.max(other.levels),
            fields: self.fields.saturating_add(other.fields),
            visits: self.visits.saturating_add(other.visits),
        }
    }
}

/// Where a selection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Place {
    /// Of the fields of the query.
    is_root: bool,
    /// The entries of the page whose fields these are.
    page: Option<u64>,
    is_introspection: bool,
    /// Below a list that leads back to types.
    is_circle: bool,
}

/// Measures all operations and fragments, and returns the cost of the operation that is executed.
pub(crate) fn measure(
    model: &Model,
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    variables: &Variables,
    bounds: Bounds,
) -> Result<Cost, Unfit> {
    let count = document.operations.iter().count();
    if count > MOST_OPERATIONS {
        let text = format!("The document has {count} operations; at most {MOST_OPERATIONS} are accepted.");
        return Err(Unfit::TooComplex(text));
    }
    let (mut chosen, mut sum) = (None, Measure::default());
    for (name, operation) in document.operations.iter() {
        let kind = operation.node.ty;
        let variables = with_defaults(variables, &operation.node);
        let mut survey = Survey::new(model, document, &variables, kind);
        let measure = survey.of(&operation.node.selection_set.node, Place { is_root: true, ..Place::default() }, 0)?;
        check(&measure, bounds)?;
        let declared = u64::try_from(operation.node.variable_definitions.len()).unwrap_or(u64::MAX);
        refuse_more("operation", &[("number of variables", declared, MOST_VARIABLES)])?;
        sum = sum.and(measure);
        let is_chosen = match operation_name {
            Some(wanted) => name.is_some_and(|name| name == wanted),
            None => count == 1,
        };
        if is_chosen {
            chosen = Some(Cost { kind, complexity: measure.complexity, is_fixed: !survey.has_used_variables });
        }
    }
    let mut survey = Survey::new(model, document, variables, OperationType::Query);
    for name in document.fragments.keys() {
        sum = sum.and(survey.of_fragment(name, Place::default(), 0)?);
    }
    check_all(&sum, bounds)?;
    chosen.ok_or_else(no_operation)
}

pub(crate) fn no_operation() -> Unfit {
    Unfit::Invalid("The document has no operation with that name, or several and `operationName` is absent.".to_owned())
}

/// Returns the variables with the defaults of those that are absent.
fn with_defaults(variables: &Variables, operation: &OperationDefinition) -> Variables {
    let mut variables = variables.clone();
    for definition in operation.variable_definitions.iter().map(|definition| &definition.node) {
        if let Some(value) = definition.default_value() {
            variables.entry(definition.name.node.clone()).or_insert_with(|| value.clone());
        }
    }
    variables
}

fn check(measure: &Measure, bounds: Bounds) -> Result<(), Unfit> {
    let bounds = [
        ("depth", measure.depth, bounds.depth),
        ("complexity", measure.complexity, bounds.complexity),
        ("number of aliases", measure.aliases, MOST_ALIASES),
        ("number of aliases of introspection", measure.question_aliases, MOST_QUESTION_ALIASES),
        ("depth of introspection", measure.introspection, INTROSPECTION_DEPTH),
        ("number of lists of introspection", measure.lists, MOST_LISTS),
    ];
    refuse_more("operation", &bounds)
}

/// Refuses what exceeds its bound.
fn refuse_more(whose: &str, bounds: &[(&str, u64, u64)]) -> Result<(), Unfit> {
    match bounds.iter().find(|(_, is, most)| is > most) {
        None => Ok(()),
        Some((what, is, most)) => {
            Err(Unfit::TooComplex(format!("The {what} of the {whose} is {is}; at most {most} is accepted.")))
        }
    }
}

/// Bounds what the validation does, which looks at all operations and fragments.
fn check_all(sum: &Measure, bounds: Bounds) -> Result<(), Unfit> {
    let bounds = [
        ("number of fields", sum.visits, bounds.complexity.saturating_mul(MOST_TIMES)),
        ("number of aliases", sum.aliases, MOST_ALIASES * MOST_TIMES),
    ];
    refuse_more("document", &bounds)
}

fn too_nested() -> Unfit {
    Unfit::TooComplex(format!("Selections are nested more than {MOST_LEVELS} levels deep."))
}

/// Refuses a field with more arguments than any has, and one with the same argument twice.
fn check_arguments(field: &Field) -> Result<(), Unfit> {
    let (name, count) = (&field.name.node, field.arguments.len());
    if count > MOST_ARGUMENTS {
        let text = format!("The field `{name}` has {count} arguments; at most {MOST_ARGUMENTS} are accepted.");
        return Err(Unfit::TooComplex(text));
    }
    let mut names = HashSet::new();
    match field.arguments.iter().find(|(argument, _)| !names.insert(&argument.node)) {
        None => Ok(()),
        Some((argument, _)) => {
            Err(Unfit::Invalid(format!("The field `{name}` has the argument `{}` more than once.", argument.node)))
        }
    }
}

struct Survey<'a> {
    model: &'a Model,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &'a Variables,
    kind: OperationType,
    known: HashMap<(&'a str, Place), Measure>,
    under_way: HashSet<&'a str>,
    has_used_variables: bool,
}

impl<'a> Survey<'a> {
    fn new(model: &'a Model, document: &'a ExecutableDocument, variables: &'a Variables, kind: OperationType) -> Self {
        let (known, under_way) = (HashMap::new(), HashSet::new());
        let fragments = &document.fragments;
        Self { model, fragments, variables, kind, known, under_way, has_used_variables: false }
    }

    fn of(&mut self, selection: &'a SelectionSet, place: Place, level: usize) -> Result<Measure, Unfit> {
        if level > MOST_LEVELS {
            return Err(too_nested());
        }
        let mut sum = Measure::default();
        for item in &selection.items {
            sum = sum.and(match &item.node {
                Selection::Field(field) => self.of_field(&field.node, place, level)?,
                Selection::InlineFragment(fragment) => self.of(&fragment.node.selection_set.node, place, level + 1)?,
                Selection::FragmentSpread(spread) => {
                    let of = self.of_fragment(&spread.node.fragment_name.node, place, level + 1)?;
                    let (complexity, fields) = (of.complexity.saturating_add(1), of.fields.saturating_add(1));
                    Measure { complexity, fields, visits: 0, ..of }
                }
            });
        }
        Ok(Measure { levels: sum.levels + 1, visits: sum.visits.saturating_add(sum.fields), ..sum })
    }

    /// A fragment is measured once for each kind of place. One that contains itself has no measure.
    fn of_fragment(&mut self, name: &Name, place: Place, level: usize) -> Result<Measure, Unfit> {
        let Some((name, fragment)) = self.fragments.get_key_value(name) else {
            return Err(Unfit::Invalid(format!("There is no fragment `{name}`.")));
        };
        if let Some(known) = self.known.get(&(name.as_str(), place)) {
            return if level + known.levels > MOST_LEVELS + 1 { Err(too_nested()) } else { Ok(*known) };
        }
        if !self.under_way.insert(name) {
            return Err(Unfit::Invalid(format!("The fragment `{name}` contains itself.")));
        }
        let measure = self.of(&fragment.node.selection_set.node, place, level)?;
        self.under_way.remove(name.as_str());
        self.known.insert((name, place), measure);
        Ok(measure)
    }

    fn of_field(&mut self, field: &'a Field, place: Place, level: usize) -> Result<Measure, Unfit> {
        check_arguments(field)?;
        let name = field.name.node.as_str();
        let is_introspection = place.is_introspection || matches!(name, "__schema" | "__type");
        let is_circle = is_introspection && CIRCLES.contains(&name);
        if is_circle && place.is_circle {
            return Err(Unfit::TooComplex("A question about the schema follows a circle of types.".to_owned()));
        }
        let page = if place.is_root && !is_introspection { self.page(field) } else { None };
        let is_plain_list = page.is_some_and(|(_, is_connection)| !is_connection);
        let below = Place {
            is_root: false,
            page: page.filter(|(_, is_connection)| *is_connection).map(|(entries, _)| entries),
            is_introspection,
            is_circle: is_circle || place.is_circle,
        };
        let within = self.of(&field.selection_set.node, below, level + 1)?;
        let times = match page {
            Some((entries, _)) if is_plain_list => entries,
            _ if matches!(name, "nodes" | "edges") => place.page.unwrap_or(1),
            _ => 1,
        };
        let depth = within.depth.max(within.introspection) + 1;
        Ok(Measure {
            complexity: within.complexity.saturating_mul(times).saturating_add(1),
            depth: if is_introspection { 0 } else { depth },
            aliases: within.aliases.saturating_add(u64::from(field.alias.is_some())),
            introspection: if is_introspection { depth } else { 0 },
            lists: within.lists.saturating_add(u64::from(is_introspection && LISTS.contains(&name))),
            question_aliases: within
                .question_aliases
                .saturating_add(u64::from(is_introspection && field.alias.is_some())),
            levels: within.levels,
            fields: 1,
            visits: within.visits,
        })
    }

    /// Returns the entries that a field of a root may have, and whether they are below `nodes` and `edges`.
    fn page(&mut self, field: &Field) -> Option<(u64, bool)> {
        let root = self.model.root(RootKind::of(self.kind), field.name.node.as_str())?;
        let is_connection = match root.answer {
            Answer::Connection(..) => true,
            Answer::List(_) => false,
            _ => return None,
        };
        let first = field.get_argument("first").and_then(|value| {
            let of_variable = |name: Name| {
                self.has_used_variables = true;
                self.variables.get(&name).cloned().ok_or(())
            };
            value.node.clone().into_const_with(of_variable).ok()
        });
        let entries = match first {
            Some(Value::Number(number)) => number.as_u64().unwrap_or(MOST_PAGE),
            _ => DEFAULT_PAGE,
        };
        Some((entries.clamp(1, MOST_PAGE), is_connection))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use async_graphql_parser::parse_query;

    use super::*;

    fn measured(query: &str) -> Result<Cost, Unfit> {
        let bounds = Bounds { depth: 10, complexity: 2000 };
        let document = parse_query(query).unwrap();
        measure(&Model::default(), &document, None, &Variables::default(), bounds)
    }

    fn is_too_complex(query: &str) -> bool {
        matches!(measured(query), Err(Unfit::TooComplex(_)))
    }

    fn is_invalid(query: &str) -> bool {
        matches!(measured(query), Err(Unfit::Invalid(_)))
    }

    #[test]
    fn a_fragment_that_is_not_there_has_no_measure() {
        let doubling = (0..20).fold(String::new(), |mut text, number| {
            let _ = write!(text, "fragment F{number} on User {{ ...F{0} ...F{0} }} ", number + 1);
            text
        });
        assert!(is_invalid(&format!("{{ me {{ ...F0 }} }} {doubling}")));
        assert!(is_invalid("{ me { id } } fragment F on User { ...Missing }"));
        let doubling = format!("{{ me {{ ...F0 }} }} {doubling} fragment F20 on User {{ id }}");
        assert!(is_too_complex(&doubling));
        assert_eq!(measured("{ me { ...F } } fragment F on User { id }").map(|cost| cost.complexity), Ok(3));
    }

    #[test]
    fn the_operations_and_fragments_of_a_document_are_bounded_together() {
        let fields = "b ".repeat(1900);
        let used = format!("{{ {} }} fragment F on User {{ {fields} }}", "me { ...F } ".repeat(2));
        assert!(is_too_complex(&used));
        let unused = (0..20).fold(format!("{{ me }} fragment F on User {{ {fields} }} "), |mut text, number| {
            let _ = write!(text, "fragment F{number} on User {{ ...F }} ");
            text
        });
        assert!(is_too_complex(&unused));
        let nested = format!("{{ {}{fields}{} }}", "... { ".repeat(20), "}".repeat(20));
        assert!(is_too_complex(&nested));
        assert_eq!(measured(&format!("{{ {fields} }}")).map(|cost| cost.complexity), Ok(1900));
    }

    #[test]
    fn arguments_are_bounded() {
        let arguments = |count: usize| (0..count).map(|number| format!("x{number}: 1 ")).collect::<Vec<_>>().concat();
        assert!(is_too_complex(&format!("{{ b({}) }}", arguments(33))));
        assert!(measured(&format!("{{ b({}) }}", arguments(32))).is_ok());
        assert!(is_invalid("{ b(x: 1 x: 1) }"));
    }

    #[test]
    fn variables_are_bounded() {
        let variables =
            |count: usize| (0..count).map(|number| format!("$a{number}: Int ")).collect::<Vec<_>>().concat();
        assert!(measured(&format!("query Q({}) {{ me }}", variables(100))).is_ok());
        assert!(is_too_complex(&format!("query Q({}) {{ me }}", variables(101))));
    }

    #[test]
    fn a_question_about_the_schema_hardly_repeats_itself() {
        let aliases = |count: usize| (0..count).map(|number| format!("a{number}: name ")).collect::<Vec<_>>().concat();
        assert!(measured(&format!("{{ __schema {{ types {{ {} }} }} }}", aliases(10))).is_ok());
        assert!(is_too_complex(&format!("{{ __schema {{ types {{ {} }} }} }}", aliases(11))));
    }

    #[test]
    fn selections_are_nested_in_fragments_as_in_brackets() {
        let nested = |levels: usize| format!("{}id{}", "... { ".repeat(levels), " }".repeat(levels));
        assert!(measured(&format!("{{ {} }}", nested(28))).is_ok());
        let chain = format!(
            "{{ ...A ...B }} fragment A on Query {{ {} }} fragment B on Query {{ {} }}",
            nested(20),
            nested(20).replace("id", "...A")
        );
        assert!(is_too_complex(&chain));
    }
}
