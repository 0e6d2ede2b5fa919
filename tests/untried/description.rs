//! What the API's description documents, as facts:
//!
//! - `POST /holds sent /pieces`, `… sent ?limit`, `… sent @if-match`, `… sent text/csv`;
//! - `POST /holds 409 capacity_exceeded`, `POST /holds 201`, `POST /holds 201 got application/json`;
//! - `GET /holds 200 got /-/quote`, `… got /-/quote null`;
//! - `Hold got /quote`, `Hold got /quote null`.
//!
//! A read can show every state of a thing, so that the members of what it answers count for each read. A change shows only the
//! state to which it leads: what it answers counts together with all other answers of the same schema. So do the members of
//! schemas within others.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// An operation, the schemas of its request, and those of its answers by their status.
#[derive(Debug)]
pub struct Operation<'a> {
    method: String,
    template: &'a str,
    request: Vec<&'a Value>,
    answers: BTreeMap<&'a str, Vec<&'a Value>>,
}

#[derive(Debug)]
pub struct Description<'a> {
    document: &'a Value,
    operations: Vec<Operation<'a>>,
    /// The schemas that have facts of their own.
    named: BTreeSet<String>,
    pub facts: BTreeSet<String>,
}

/// A schema whose members are facts: of which operation or schema, and from where on those of named schemas are their own.
#[derive(Clone, Copy)]
struct Place<'p> {
    owner: &'p str,
    pointer: &'p str,
    /// Whether `null` counts.
    nulls: bool,
    names: Names,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// A named schema is part of what uses it.
    Inline,
    /// The first one is, but not those within.
    Within,
    /// Each has members of its own.
    Own,
}

impl Place<'_> {
    /// Whether this named schema has facts of its own here.
    fn leaves_to(self, named: &Value) -> bool {
        let is_top = matches!(self.pointer, "" | "/-");
        let has_members = ["properties", "allOf"].iter().any(|word| !named[*word].is_null());
        has_members && (self.names == Names::Own || (self.names == Names::Within && !is_top))
    }

    /// What a schema extends has its members to itself.
    fn part(self, word: &str) -> Self {
        if word == "allOf" && self.names == Names::Within { Self { names: Names::Own, ..self } } else { self }
    }
}

impl<'a> Description<'a> {
    pub fn of(document: &'a Value) -> Self {
        let mut description = Self { document, operations: Vec::new(), named: BTreeSet::new(), facts: BTreeSet::new() };
        for (template, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                description.add(method.to_uppercase(), template, operation);
            }
        }
        description.named("ProblemBody");
        description
    }

    fn add(&mut self, method: String, template: &'a str, operation: &'a Value) {
        let name = format!("{method} {template}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let word = parameter["name"].as_str().expect("a name");
            match parameter["in"].as_str() {
                Some("query") => self.facts.insert(format!("{name} sent ?{word}")),
                Some("header") => self.facts.insert(format!("{name} sent @{}", word.to_lowercase())),
                _ => false,
            };
        }
        let mut request = Vec::new();
        for (media_type, content) in contents(&operation["requestBody"]) {
            self.facts.insert(format!("{name} sent {media_type}"));
            // `null` clears a member; where nothing is to be cleared it is the same as no member.
            let (owner, nulls) = (format!("{name} sent"), method == "PATCH");
            let place = Place { owner: &owner, pointer: "", nulls, names: Names::Inline };
            self.document(place, &content["schema"], &mut Vec::new());
            request.push(&content["schema"]);
        }
        let mut answers = BTreeMap::<_, Vec<_>>::new();
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let codes = codes(response["description"].as_str().unwrap_or_default());
            if codes.is_empty() || status.as_str() < "400" {
                self.facts.insert(format!("{name} {status}"));
            } else {
                self.facts.extend(codes.into_iter().map(|code| format!("{name} {status} {code}")));
            }
            let own = contents(response).filter(|(media_type, _)| *media_type != "application/problem+json");
            for (media_type, content) in own {
                self.facts.insert(format!("{name} {status} got {media_type}"));
                let (owner, names) = (format!("{name} {status} got"), names_of(&method));
                self.document(
                    Place { owner: &owner, pointer: "", nulls: true, names },
                    &content["schema"],
                    &mut Vec::new(),
                );
                answers.entry(status.as_str()).or_default().push(&content["schema"]);
            }
        }
        self.operations.push(Operation { method, template, request, answers });
    }

    fn resolved(&self, reference: &str) -> &'a Value {
        self.document.pointer(&reference[1..]).expect("a schema")
    }

    /// The members of a schema with facts of its own.
    fn named(&mut self, name: &str) {
        let owner = format!("{name} got");
        if self.named.insert(name.to_owned()) {
            let schema = self.resolved(&format!("#/components/schemas/{name}"));
            self.document(
                Place { owner: &owner, pointer: "", nulls: true, names: Names::Within },
                schema,
                &mut Vec::new(),
            );
        }
    }

    fn document(&mut self, place: Place<'_>, schema: &'a Value, within: &mut Vec<&'a str>) {
        let Place { owner, pointer, nulls, .. } = place;
        if let Some(reference) = schema["$ref"].as_str() {
            let named = self.resolved(reference);
            if place.leaves_to(named) {
                self.named(last(reference));
            } else if !within.contains(&reference) {
                within.push(reference);
                self.document(place, named, within);
                within.pop();
            }
        }
        let is_null =
            |kind: &Value| kind == "null" || kind.as_array().is_some_and(|kinds| kinds.contains(&"null".into()));
        if nulls && !pointer.is_empty() && is_null(&schema["type"]) {
            self.facts.insert(format!("{owner} {pointer} null"));
        }
        for (word, part) in parts(schema) {
            self.document(place.part(word), part, within);
        }
        let members = schema["properties"].as_object().into_iter().flatten();
        let members = members.map(|(name, member)| (name.replace('~', "~0").replace('/', "~1"), member));
        let others = [("-", &schema["items"]), ("*", &schema["additionalProperties"])];
        let others = others.into_iter().filter(|(_, schema)| schema.is_object());
        for (name, member) in members.chain(others.map(|(name, schema)| (name.to_owned(), schema))) {
            let pointer = format!("{pointer}/{name}");
            self.facts.insert(format!("{owner} {pointer}"));
            self.document(Place { pointer: &pointer, ..place }, member, within);
        }
    }

    /// The operation of a path: the one with most of it in its template.
    pub fn operation(&self, method: &str, path: &str) -> Option<&Operation<'a>> {
        let matching = self.operations.iter().filter_map(|it| Some((it.matches(method, path)?, it)));
        matching.max_by_key(|(literal, _)| *literal).map(|(_, operation)| operation)
    }

    /// The facts of a member, or of what is not in the body, of this operation's request or answer of this status.
    pub fn seen(&self, operation: &Operation<'a>, status: &str, seen: &str) -> Vec<String> {
        let name = format!("{} {}", operation.method, operation.template);
        let mut found = Vec::new();
        if let Some(pointer) = seen.strip_prefix("got /") {
            let members: Vec<_> = pointer.split('/').collect();
            let owner = format!("{name} {status} got");
            for schema in operation.answers.get(status).into_iter().flatten() {
                for names in [names_of(&operation.method), Names::Own] {
                    let place = Place { owner: &owner, pointer: "", nulls: true, names };
                    self.trace(place, schema, &members, &mut found);
                }
            }
        } else if let Some(pointer) = seen.strip_prefix("sent /") {
            let members: Vec<_> = pointer.split('/').collect();
            let owner = format!("{name} sent");
            for schema in &operation.request {
                let place = Place { owner: &owner, pointer: "", nulls: true, names: Names::Inline };
                self.trace(place, schema, &members, &mut found);
            }
        } else if let Some(media_type) = seen.strip_prefix("got ") {
            found.push(format!("{name} {status} got {media_type}"));
        } else {
            found.push(format!("{name} {seen}"));
        }
        found
    }

    /// The facts of a member of a problem.
    pub fn of_problem(&self, seen: &str) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(pointer) = seen.strip_prefix("got /") {
            let place = Place { owner: "ProblemBody got", pointer: "", nulls: true, names: Names::Within };
            let members: Vec<_> = pointer.split('/').collect();
            self.trace(place, self.resolved("#/components/schemas/ProblemBody"), &members, &mut found);
        }
        found
    }

    /// The last of the members may end in ` null`.
    fn trace(&self, place: Place<'_>, schema: &'a Value, members: &[&str], found: &mut Vec<String>) {
        let Place { owner, pointer, .. } = place;
        let Some((first, rest)) = members.split_first() else {
            found.push(format!("{owner} {pointer}"));
            return;
        };
        if let Some(reference) = schema["$ref"].as_str() {
            let named = self.resolved(reference);
            let own = format!("{} got", last(reference));
            let place = if place.leaves_to(named) {
                Place { owner: &own, pointer: "", nulls: true, names: Names::Within }
            } else {
                place
            };
            self.trace(place, named, members, found);
        }
        for (word, part) in parts(schema) {
            self.trace(place.part(word), part, members, found);
        }
        let (name, null) = first.strip_suffix(" null").map_or((*first, ""), |name| (name, " null"));
        let plain = name.replace("~1", "/").replace("~0", "~");
        let (name, member) = match &schema["properties"][&plain] {
            Value::Null if name == "-" => ("-", &schema["items"]),
            Value::Null => ("*", &schema["additionalProperties"]),
            member => (name, member),
        };
        if member.is_object() {
            let pointer = format!("{pointer}/{name}{null}");
            self.trace(Place { pointer: &pointer, ..place }, member, rest, found);
        }
    }
}

impl Operation<'_> {
    /// How many parts of the template are literally those of the path, if all others are its holes.
    fn matches(&self, method: &str, path: &str) -> Option<usize> {
        if self.method != method || self.template.split('/').count() != path.split('/').count() {
            return None;
        }
        let mut literal = 0;
        for (expected, found) in self.template.split('/').zip(path.split('/')) {
            if expected == found {
                literal += 1;
            } else if !expected.starts_with('{') {
                return None;
            }
        }
        Some(literal)
    }
}

fn names_of(method: &str) -> Names {
    if method == "GET" { Names::Within } else { Names::Own }
}

fn last(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

fn parts(schema: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    let words = ["oneOf", "anyOf", "allOf"].into_iter();
    let parts = words.filter_map(|word| Some((word, schema[word].as_array()?)));
    let parts = parts.flat_map(|(word, parts)| parts.iter().map(move |part| (word, part)));
    parts
        .chain(schema["dependentSchemas"].as_object().into_iter().flatten().map(|(_, part)| ("dependentSchemas", part)))
}

fn contents(holder: &Value) -> impl Iterator<Item = (&String, &Value)> {
    holder["content"].as_object().into_iter().flatten()
}

/// The codes that the description of a response names: `` `not_found`: It does not exist. ``
fn codes(description: &str) -> Vec<&str> {
    let words = description.split("`:").filter_map(|text| text.rsplit_once('`'));
    let codes = words.map(|(_, word)| word);
    codes
        .filter(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
        .collect()
}
