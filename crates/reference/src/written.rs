use std::collections::HashMap;

use loadmaster_kernel::AirportCode;

use super::{dto::AirportBody, model::Airport, search::Found};

/// Each airport as it is answered, in JSON without its closing brace: a list of some is put together from these.
#[derive(Debug)]
pub(super) struct WrittenAirports(HashMap<AirportCode, Box<str>>);

impl WrittenAirports {
    pub fn new<'a>(airports: impl Iterator<Item = &'a Airport>) -> serde_json::Result<Self> {
        let written = airports.map(|airport| {
            let text = serde_json::to_string(&AirportBody::from(airport))?;
            Ok((airport.code, text.strip_suffix('}').unwrap_or(&text).into()))
        });
        written.collect::<serde_json::Result<_>>().map(Self)
    }

    /// Returns the list of these airports, as `FoundAirportBody` has them.
    pub fn list(&self, found: &[Found]) -> serde_json::Result<String> {
        let mut list = String::from("[");
        for Found { code, matched } in found {
            let Some(airport) = self.0.get(code) else { continue };
            if list.len() > 1 {
                list.push(',');
            }
            list.push_str(airport);
            list.push_str(r#","matched":"#);
            list.push_str(&serde_json::to_string(matched)?);
            list.push('}');
        }
        list.push(']');
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{super::seed, *};

    #[test]
    fn a_list_has_each_airport_as_it_is_shown_with_what_matched() {
        let airports = seed::bundled().unwrap().airports;
        let written = WrittenAirports::new(airports.values().map(AsRef::as_ref)).unwrap();
        let list = |found: &[Found]| -> Value { serde_json::from_str(&written.list(found).unwrap()).unwrap() };
        let found = [("MUC", Some("M\"ünchen")), ("DEL", None), ("LHR", Some("LON"))];
        let found: Vec<Found> = found
            .into_iter()
            .map(|(code, matched)| Found { code: code.parse().unwrap(), matched: matched.map(str::to_owned) })
            .collect();
        let shown = |found: &Found| {
            let mut shown = serde_json::to_value(AirportBody::from(&*airports[&found.code])).unwrap();
            shown["matched"] = json!(found.matched);
            shown
        };
        assert_eq!(list(&found), Value::from(found.iter().map(shown).collect::<Vec<_>>()));
        assert_eq!(list(&[]), json!([]));
    }
}
