//! Results: what a plan shows of answers, written in the order of the document.
use async_graphql_parser::Pos;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::{
    field_error::FieldError,
    load::{Related, booking_of, flight_of, flights_of},
    model::Relation,
    plan::{PlannedCall, Shown, ShownField, Source},
    rest::Refused,
};

/// The result of an operation.
#[derive(Debug, Default)]
pub(crate) struct Executed {
    /// The members of `data`, as JSON.
    data: Vec<u8>,
    pub errors: Vec<FieldError>,
    /// The fields whose answers were stored under their keys.
    pub replayed: Vec<String>,
}

impl Executed {
    /// Adds a field of the root whose value is written already.
    pub fn add(&mut self, key: &str, json: &[u8]) {
        self.write_name(key);
        self.data.extend_from_slice(json);
    }

    /// Adds a field of the root that shows an answer, with its type if it may have several.
    pub fn add_answer(&mut self, key: &str, call: &PlannedCall, answer: (&Json, Option<&str>), related: &Related) {
        self.write_name(key);
        let (PlannedCall { shown, field, .. }, (json, of)) = (call, answer);
        let path = vec![Step::Field(key)];
        let mut writer = Writer { out: &mut self.data, errors: &mut self.errors, path, related };
        // Each field of a root may be null.
        _ = writer.value_or_null((true, field.pos), |writer| match shown.of_type(of) {
            Some(fields) if !json.is_null() => writer.object(fields, json),
            _ => writer.value(shown, json, field.pos),
        });
    }

    /// Adds a field of the root that is refused.
    pub fn add_refused(&mut self, key: &str, place: Option<Pos>, refused: &Refused) {
        self.add(key, b"null");
        self.errors.push(refused.at(place, vec![key.into()]));
    }

    fn write_name(&mut self, key: &str) {
        let is_first = self.data.is_empty();
        write_key(&mut self.data, is_first, key);
    }

    /// Returns it as JSON.
    pub fn written(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data.len() + 16);
        out.extend_from_slice(b"{\"data\":{");
        out.extend_from_slice(&self.data);
        out.push(b'}');
        if !self.replayed.is_empty() {
            write_key(&mut out, false, "extensions");
            write_leaf(&mut out, &json!({"replayed": self.replayed}));
        }
        if !self.errors.is_empty() {
            write_key(&mut out, false, "errors");
            write_leaf(&mut out, &self.errors);
        }
        out.push(b'}');
        out
    }
}

/// Writes the name of a member.
pub(crate) fn write_key(out: &mut Vec<u8>, is_first: bool, key: &str) {
    if !is_first {
        out.push(b',');
    }
    write_quoted(out, key);
    out.push(b':');
}

/// Writes a name of GraphQL as text: it needs no escapes.
pub(crate) fn write_quoted(out: &mut Vec<u8>, name: &str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.push(b'"');
}

pub(crate) fn write_leaf(out: &mut Vec<u8>, json: &impl Serialize) {
    // Writing to memory does not fail.
    _ = serde_json::to_writer(out, json);
}

/// A part of the path to a value.
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

/// What became of a value.
enum Written {
    Whole,
    /// There is none.
    Nothing,
}

/// A value that may not be null is null, and so is the nearest value around it that may be.
struct Missing;

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    errors: &'a mut Vec<FieldError>,
    path: Vec<Step<'a>>,
    related: &'a Related,
}

impl<'a> Writer<'a> {
    /// Writes a value, or null if it is missing and may be.
    fn value_or_null(
        &mut self,
        (is_nullable, place): (bool, Pos),
        write: impl FnOnce(&mut Self) -> Result<Written, Missing>,
    ) -> Result<(), Missing> {
        let start = self.out.len();
        match write(self) {
            Ok(Written::Whole) => return Ok(()),
            Ok(Written::Nothing) if !is_nullable => {
                let message = "The service has no value for a field that always has one.".to_owned();
                let (locations, path) = (vec![place], self.path());
                self.errors.push(FieldError { message, locations, path, extensions: Map::new() });
            }
            Ok(Written::Nothing) | Err(Missing) => {}
        }
        if !is_nullable {
            return Err(Missing);
        }
        self.out.truncate(start);
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn value(&mut self, shown: &'a Shown, json: &'a Json, place: Pos) -> Result<Written, Missing> {
        match (shown, json) {
            (_, Json::Null) => Ok(Written::Nothing),
            (Shown::List { item, has_nulls }, Json::Array(items)) => {
                self.list(items, (*has_nulls, place), |writer, one| writer.value(item, one, place))
            }
            (Shown::Object(fields), object) => self.object(fields, object),
            (Shown::Leaf, json) => {
                write_leaf(self.out, json);
                Ok(Written::Whole)
            }
            (Shown::List { .. } | Shown::OneOf(_), _) => Ok(Written::Nothing),
        }
    }

    fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        at: (bool, Pos),
        mut write: impl FnMut(&mut Self, T) -> Result<Written, Missing>,
    ) -> Result<Written, Missing> {
        self.out.push(b'[');
        for (number, one) in items.into_iter().enumerate() {
            if number > 0 {
                self.out.push(b',');
            }
            self.path.push(Step::Item(number));
            let written = self.value_or_null(at, |writer| write(writer, one));
            self.path.pop();
            written?;
        }
        self.out.push(b']');
        Ok(Written::Whole)
    }

    fn object(&mut self, fields: &'a [ShownField], object: &'a Json) -> Result<Written, Missing> {
        self.out.push(b'{');
        for (number, field) in fields.iter().enumerate() {
            write_key(self.out, number == 0, &field.key);
            self.path.push(Step::Field(&field.key));
            let written = self.value_or_null((field.is_nullable, field.place), |writer| writer.field(field, object));
            self.path.pop();
            written?;
        }
        self.out.push(b'}');
        Ok(Written::Whole)
    }

    fn field(&mut self, field: &'a ShownField, object: &'a Json) -> Result<Written, Missing> {
        let ShownField { source, shown, place, .. } = field;
        let found = match source {
            Source::TypeName(name) => {
                write_quoted(self.out, name);
                return Ok(Written::Whole);
            }
            Source::Member(name) => Ok(object.get(name)),
            Source::Relation(Relation::Flight) => {
                flight_of(object).map_or(Ok(None), |id| self.related.flight(shown, id))
            }
            Source::Relation(Relation::Payments) => booking_of(object).map_or(Ok(None), |id| self.related.payments(id)),
            Source::Relation(Relation::Flights) => return self.flights(field, object),
        };
        match found {
            Ok(Some(json)) => self.value(shown, json, *place),
            Ok(None) => Ok(Written::Nothing),
            Err(refused) => Ok(self.refuse(refused, *place)),
        }
    }

    fn flights(&mut self, field: &'a ShownField, object: &'a Json) -> Result<Written, Missing> {
        let ShownField { shown: Shown::List { item, has_nulls }, place, .. } = field else {
            return Ok(Written::Nothing);
        };
        let found = flights_of(object).filter_map(|id| self.related.flight(&field.shown, id).transpose());
        match found.collect::<Result<Vec<&'a Json>, &Refused>>() {
            Ok(flights) => self.list(flights, (*has_nulls, *place), |writer, one| writer.value(item, one, *place)),
            Err(refused) => Ok(self.refuse(refused, *place)),
        }
    }

    /// Notes why a value is not there.
    fn refuse(&mut self, refused: &Refused, place: Pos) -> Written {
        self.errors.push(refused.at(Some(place), self.path()));
        Written::Nothing
    }

    fn path(&self) -> Vec<Json> {
        let path = self.path.iter().map(|step| match step {
            Step::Field(key) => Json::from(*key),
            Step::Item(number) => Json::from(*number),
        });
        path.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_graphql_parser::{Positioned, parse_query, types::Selection};
    use uuid::Uuid;

    use super::*;
    use crate::model::{Answer, Root, RootKind};

    fn field(key: &str, is_nullable: bool, shown: Shown) -> ShownField {
        let (key, source) = (key.to_owned(), Source::Member(key.to_owned()));
        ShownField { key, place: Pos::default(), source, is_nullable, shown }
    }

    fn related(name: &str, relation: Relation, shown: Shown) -> ShownField {
        ShownField { source: Source::Relation(relation), ..field(name, true, shown) }
    }

    fn object(fields: Vec<ShownField>) -> Shown {
        Shown::Object(fields)
    }

    fn result(shown: Shown, answer: &Json, related: &Related) -> Json {
        serde_json::from_str(&text(shown, answer, related)).unwrap()
    }

    /// Shows an answer as the field `a`, and returns the result.
    fn text(shown: Shown, answer: &Json, related: &Related) -> String {
        let (kind, method, path) = (RootKind::Query, "GET", String::new());
        let answered = Answer::One(String::new());
        let root = Root { kind, name: "a", about: None, method, path, arguments: Vec::new(), answer: answered };
        let document = parse_query("{ a }").unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else { panic!("no field") };
        let call = PlannedCall { root: Arc::new(root), field: Positioned::clone(field), shown, has_relations: true };
        let mut executed = Executed::default();
        executed.add_answer("a", &call, (answer, None), related);
        String::from_utf8(executed.written()).unwrap()
    }

    #[test]
    fn members_are_shown_in_their_order_and_what_is_absent_is_null() {
        let item = object(vec![field("z", true, Shown::Leaf), field("b", true, Shown::Leaf)]);
        let items = Shown::List { item: Box::new(item), has_nulls: true };
        let shown = object(vec![field("y", true, items), field("x", true, Shown::Leaf)]);
        let answer = json!({"x": "q\"", "y": [{"b": 1.5, "z": [1]}, null, {}], "hidden": 1});
        let expected = r#"{"data":{"a":{"y":[{"z":[1],"b":1.5},null,{"z":null,"b":null}],"x":"q\""}}}"#;
        assert_eq!(text(shown, &answer, &Related::none()), expected);
    }

    #[test]
    fn a_value_that_must_be_there_makes_null_of_the_nearest_that_may_be() {
        let item = || object(vec![field("must", false, Shown::Leaf)]);
        for (has_nulls, is_nullable, shown, path) in [
            (true, true, json!({"list": [{"must": 1}, null]}), json!(["a", "list", 1, "must"])),
            (false, true, json!({"list": null}), json!(["a", "list", 1, "must"])),
            (false, false, json!(null), json!(["a", "list", 1, "must"])),
        ] {
            let list = Shown::List { item: Box::new(item()), has_nulls };
            let result = result(
                object(vec![field("list", is_nullable, list)]),
                &json!({"list": [{"must": 1}, {}]}),
                &Related::none(),
            );
            assert_eq!((&result["data"]["a"], &result["errors"][0]["path"]), (&shown, &path));
            assert_eq!(result["errors"].as_array().unwrap().len(), 1);
        }
    }

    #[test]
    fn relations_are_shown_as_far_as_they_were_found() {
        let ids: Vec<Uuid> = (1..4).map(Uuid::from_u128).collect();
        let flights = [ids[0], ids[2]].map(|id| (id, json!({"id": id, "feed": "f"})));
        let all = Related::of(flights, [(ids[1], json!([{"id": 7}]))]);
        let flight = || object(vec![field("id", true, Shown::Leaf)]);
        let list = |item| Shown::List { item: Box::new(item), has_nulls: false };
        let shown = || {
            object(vec![
                related("flight", Relation::Flight, flight()),
                related("flights", Relation::Flights, list(flight())),
                related("payments", Relation::Payments, list(object(vec![field("id", true, Shown::Leaf)]))),
            ])
        };
        let answer = json!({"id": ids[1], "flight_id": ids[2], "flight_ids": [ids[2], ids[1], ids[0]]});
        let expected =
            json!({"flight": {"id": ids[2]}, "flights": [{"id": ids[2]}, {"id": ids[0]}], "payments": [{"id": 7}]});
        assert_eq!(result(shown(), &answer, &all)["data"]["a"], expected);
        let empty = result(shown(), &json!({}), &all);
        assert_eq!(empty["data"]["a"], json!({"flight": null, "flights": [], "payments": null}));
        let refused = result(shown(), &answer, &Related::refused("later"));
        assert_eq!(refused["data"]["a"], json!({"flight": null, "flights": null, "payments": null}));
        let paths: Vec<&Json> = refused["errors"].as_array().unwrap().iter().map(|error| &error["path"]).collect();
        assert_eq!(paths, [&json!(["a", "flight"]), &json!(["a", "flights"]), &json!(["a", "payments"])]);
        assert_eq!(refused["errors"][0]["message"], "later");
    }
}
