//! Which changes of a type of messages its consumers do not notice.
use serde_json::{Map, Value};

/// Members of a schema that only explain.
const NOTES: [&str; 5] = ["title", "description", "example", "examples", "default"];
/// Words of an open list.
const OPEN: &str = "x-extensible-enum";

/// Returns how a later schema of a message breaks an earlier one of the same type: within a version, only optional
/// members may be added.
pub fn breaks(earlier: &Value, later: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let of = Comparison { earlier: &definitions(earlier), later: &definitions(later) };
    of.compare("", earlier, later, 0, &mut found);
    found
}

fn definitions(schema: &Value) -> Map<String, Value> {
    schema.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Schemas refer to each other no deeper.
const DEEPEST: usize = 40;

struct Comparison<'a> {
    earlier: &'a Map<String, Value>,
    later: &'a Map<String, Value>,
}

impl Comparison<'_> {
    fn compare(&self, at: &str, earlier: &Value, later: &Value, depth: usize, found: &mut Vec<String>) {
        let (earlier, later) = (followed(earlier, self.earlier), followed(later, self.later));
        if depth > DEEPEST {
            return;
        }
        let (Some(was), Some(is)) = (earlier.as_object(), later.as_object()) else {
            if earlier != later {
                found.push(format!("{at}: {earlier} became {later}"));
            }
            return;
        };
        self.properties(at, was, is, depth, found);
        let names: std::collections::BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for name in names {
            let at = format!("{at}/{name}");
            match (name.as_str(), was.get(name), is.get(name)) {
                ("properties" | "required" | "$defs", ..) => {}
                (note, ..) if NOTES.contains(&note) => {}
                (OPEN, Some(was), is) => {
                    let is = is.and_then(Value::as_array).cloned().unwrap_or_default();
                    let gone = was.as_array().into_iter().flatten().filter(|word| !is.contains(word));
                    found.extend(gone.map(|word| format!("{at}: {word} is gone")));
                }
                ("items", Some(was), Some(is)) => self.compare(&at, was, is, depth + 1, found),
                ("oneOf" | "anyOf" | "allOf", Some(Value::Array(was)), Some(Value::Array(is)))
                    if was.len() == is.len() =>
                {
                    for (was, is) in was.iter().zip(is) {
                        self.compare(&at, was, is, depth + 1, found);
                    }
                }
                (_, was, is) if was == is => {}
                (_, was, is) => found.push(format!("{at}: {} became {}", shown(was), shown(is))),
            }
        }
    }

    fn properties(
        &self,
        at: &str,
        was: &Map<String, Value>,
        is: &Map<String, Value>,
        depth: usize,
        found: &mut Vec<String>,
    ) {
        let (required, demanded) = (words(was), words(is));
        let none = Map::new();
        let of = |schema: &'_ Map<String, Value>| schema.get("properties").and_then(Value::as_object).cloned();
        let (before, after) = (of(was).unwrap_or_else(|| none.clone()), of(is).unwrap_or(none));
        for (name, schema) in &before {
            match after.get(name) {
                Some(changed) => self.compare(&format!("{at}/{name}"), schema, changed, depth + 1, found),
                None => found.push(format!("{at}/{name} is gone")),
            }
        }
        for name in required.iter().filter(|name| !demanded.contains(name)) {
            found.push(format!("{at}/{name} may be missing now"));
        }
        for name in demanded.iter().filter(|name| !required.contains(name)) {
            found.push(format!("{at}/{name} is required now"));
        }
    }
}

/// Returns the definition that a schema refers to, or the schema.
fn followed<'a>(schema: &'a Value, definitions: &'a Map<String, Value>) -> &'a Value {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix("#/$defs/"));
    name.and_then(|name| definitions.get(name)).unwrap_or(schema)
}

fn words(schema: &Map<String, Value>) -> Vec<&str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message() -> Value {
        json!({
            "type": "object",
            "required": ["data"],
            "properties": {"data": {"$ref": "#/$defs/Data"}},
            "$defs": {
                "Data": {
                    "type": "object",
                    "required": ["a", "word"],
                    "properties": {
                        "a": {"type": "integer", "description": "old"},
                        "b": {"type": ["string", "null"]},
                        "word": {"$ref": "#/$defs/Word"},
                        "list": {"type": "array", "items": {"type": "string"}},
                    },
                },
                "Word": {"type": "string", "x-extensible-enum": ["X"]},
            },
        })
    }

    fn changed(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut later = message();
        change(&mut later["$defs"]);
        breaks(&message(), &later)
    }

    #[test]
    fn optional_members_notes_and_words_of_open_lists_may_be_added() {
        assert!(changed(|_| ()).is_empty());
        assert!(changed(|defs| defs["Data"]["properties"]["new"] = json!({"type": "integer"})).is_empty());
        assert!(changed(|defs| defs["Data"]["properties"]["a"]["description"] = "new".into()).is_empty());
        assert!(changed(|defs| defs["Word"]["x-extensible-enum"] = json!(["X", "Y"])).is_empty());
        // A definition may get another name, or none.
        let inline = changed(|defs| defs["Data"]["properties"]["word"] = defs["Word"].clone());
        assert!(inline.is_empty(), "{inline:?}");
    }

    #[test]
    fn anything_else_breaks_a_version() {
        let gone = changed(|defs| drop(defs["Data"]["properties"].as_object_mut().unwrap().remove("b")));
        assert_eq!(gone, ["/data/b is gone"]);
        assert_eq!(changed(|defs| defs["Data"]["required"] = json!(["a", "b", "word"])), ["/data/b is required now"]);
        let new = changed(|defs| {
            defs["Data"]["properties"]["new"] = json!({"type": "integer"});
            defs["Data"]["required"] = json!(["a", "new", "word"]);
        });
        assert_eq!(new, ["/data/new is required now"]);
        assert_eq!(changed(|defs| defs["Data"]["required"] = json!(["word"])), ["/data/a may be missing now"]);
        let kind = changed(|defs| defs["Data"]["properties"]["a"]["type"] = "number".into());
        assert_eq!(kind, [r#"/data/a/type: "integer" became "number""#]);
        assert_eq!(changed(|defs| defs["Word"]["x-extensible-enum"] = json!([])).len(), 1);
        assert_eq!(changed(|defs| defs["Data"]["properties"]["list"]["items"]["type"] = "integer".into()).len(), 1);
        assert_eq!(changed(|defs| defs["Data"]["additionalProperties"] = false.into()).len(), 1);
    }
}
