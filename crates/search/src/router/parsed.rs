//! Searches that were read before, by the texts of their bodies. Callers repeat searches, and their freight may have fifty lines: to
//! parse these takes longer than to answer from the caches.
use std::sync::Arc;

use bytes::Bytes;
use loadmaster_platform::web::{Body, Problem};
use loadmaster_reference::{Reference, Snapshot};
use quick_cache::{Weighter, sync::Cache};

use super::super::legs::Requested;

const JSON: &str = "application/json";
/// Most bytes of a text that is kept, and of all texts, each as often as it has legs: in memory they take about twice as many.
const LONGEST: usize = 16 * 1024;
const MOST_BYTES: u64 = 2 * 1024 * 1024;
/// Estimated size of an entry besides its text, in bytes.
const ENTRY_BYTES: u64 = 500;
/// Texts of the usual size that these are.
const USUAL: usize = 1_000;

/// A search as it was read, with the reference data by which its places and codes were valid.
#[derive(Clone)]
struct ParsedSearch {
    requested: Arc<Requested>,
    snapshot: Snapshot,
}

#[derive(Clone)]
struct Length;

impl Weighter<Bytes, ParsedSearch> for Length {
    fn weight(&self, text: &Bytes, parsed: &ParsedSearch) -> u64 {
        let legs = match &*parsed.requested {
            Requested::One(_) => 1,
            Requested::Several(legs) => legs.len(),
        };
        u64::try_from(text.len().saturating_mul(legs)).unwrap_or(u64::MAX).saturating_add(ENTRY_BYTES)
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct ParsedSearches {
    kept: Arc<Cache<Bytes, ParsedSearch, Length>>,
    reference: Reference,
}

impl ParsedSearches {
    pub fn new(reference: Reference) -> Self {
        Self { kept: Arc::new(Cache::with_weighter(USUAL, MOST_BYTES, Length)), reference }
    }

    /// Reads a body, or finds it among those that were valid by the same reference data.
    pub(super) fn read(&self, body: &Body, most_stops: u8) -> Result<Arc<Requested>, Problem> {
        let snapshot = self.reference.snapshot();
        let text = body.bytes_of(&[JSON]).ok().filter(|text| text.len() <= LONGEST);
        if let Some(known) =
            text.as_ref().and_then(|text| self.kept.get(text)).filter(|known| known.snapshot == snapshot)
        {
            return Ok(known.requested);
        }
        let requested = Arc::new(body.read(|fields| Requested::read(fields, &self.reference, most_stops))?);
        if let Some(text) = text {
            // Without the rest of the buffer in which it was received.
            self.kept.insert(Bytes::copy_from_slice(&text), ParsedSearch { requested: requested.clone(), snapshot });
        }
        Ok(requested)
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        extract::{FromRequest, Request},
        http::header,
    };
    use serde_json::json;

    use super::*;

    async fn body(kind: &str, text: String) -> Body {
        let request = Request::post("/").header(header::CONTENT_TYPE, kind).body(text.into()).unwrap();
        let Ok(body) = Body::from_request(request, &()).await;
        body
    }

    #[tokio::test]
    async fn a_text_is_parsed_once_for_each_reading_of_the_reference_data() {
        let parsed = ParsedSearches::new(Reference::bundled().unwrap());
        let text = |kilos: u32| {
            let line = json!({"pieces": 1, "length_cm": 120, "width_cm": 80, "height_cm": 100, "weight_kg": kilos});
            let lines = vec![line; 50];
            json!({"origin": "DEL", "destination": "LHR", "departure_date": "2027-06-01", "dimensions": lines})
                .to_string()
        };
        let read = async |parsed: &ParsedSearches, text: String| parsed.read(&body(JSON, text).await, 1).unwrap();
        let first = read(&parsed, text(1)).await;
        assert!(Arc::ptr_eq(&first, &read(&parsed, text(1)).await));
        assert!(!Arc::ptr_eq(&first, &read(&parsed, text(2)).await));
        let long = || format!("{}{}", text(1), " ".repeat(LONGEST));
        assert!(!Arc::ptr_eq(&read(&parsed, long()).await, &read(&parsed, long()).await), "it is too long");
        let anew = ParsedSearches { reference: Reference::bundled().unwrap(), ..parsed };
        assert!(!Arc::ptr_eq(&first, &read(&anew, text(1)).await), "the data was read anew");
    }

    #[tokio::test]
    async fn what_is_not_valid_or_no_json_is_refused_each_time() {
        let parsed = ParsedSearches::new(Reference::bundled().unwrap());
        let legs = json!([{"origin": "DEL", "destination": "LHR", "departure_date": "2027-06-01"}]);
        let valid = json!({"legs": legs}).to_string();
        assert!(matches!(*parsed.read(&body(JSON, valid.clone()).await, 1).unwrap(), Requested::Several(_)));
        for _ in 0..2 {
            assert!(parsed.read(&body("text/plain", valid.clone()).await, 1).is_err());
            assert!(parsed.read(&body(JSON, valid.replace("LHR", "XXX")).await, 1).is_err());
        }
    }
}
