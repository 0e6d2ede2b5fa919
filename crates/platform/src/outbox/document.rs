use std::sync::Arc;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::feed::Entry;

const SOURCE: &str = "source";
/// An extension attribute of what is delivered again on request.
const REPLAYED: &str = "replayed";

/// The `source` of the messages of this installation, which distinguishes them from those of others. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Source(Arc<str>);

/// A document with another source than its own.
struct Sourced<'a> {
    event: &'a Value,
    source: &'a str,
    is_replayed: bool,
}

impl Source {
    pub fn of(installation: &str) -> Self {
        Self(format!("/loadmaster/{installation}").into())
    }

    /// Returns the message's document as it is delivered: its text is the same for every sink and each repetition.
    pub fn document(&self, entry: &Entry) -> serde_json::Result<String> {
        self.text(entry, false)
    }

    /// Returns the same, marked as a repetition.
    pub fn replayed(&self, entry: &Entry) -> serde_json::Result<String> {
        self.text(entry, true)
    }

    fn text(&self, entry: &Entry, is_replayed: bool) -> serde_json::Result<String> {
        serde_json::to_string(&Sourced { event: &entry.event, source: &self.0, is_replayed })
    }
}

impl Serialize for Sourced<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.event.as_object().into_iter().flatten().filter(|(name, _)| *name != SOURCE);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(SOURCE, self.source)?;
        for (name, value) in members {
            map.serialize_entry(name, value)?;
        }
        if self.is_replayed {
            map.serialize_entry(REPLAYED, &true)?;
        }
        map.end()
    }
}
