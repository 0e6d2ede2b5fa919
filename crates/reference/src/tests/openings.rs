//! The openings of the bundled aircraft types.
use serde_json::{Value, json};

use super::{App, Reference};
use crate::openings::text_of_openings;

/// The sources of the bundled files.
const SOURCES: &str = include_str!("../../../../data/README.md");

/// Whether the text names a year of publication, such as `(2002)` or `(April 2002)`; when a page was read does not count.
fn names_a_year_of_publication(text: &str) -> bool {
    text.split('(').skip(1).filter_map(|rest| rest.split_once(')')).any(|(date, _)| {
        let words: Vec<&str> = date.split(' ').collect();
        let year = words.last().and_then(|word| word.parse::<u16>().ok());
        words.len() <= 2 && year.is_some_and(|year| (1950..2100).contains(&year))
    })
}

#[test]
fn a_date_of_reading_is_no_year_of_publication() {
    for (text, expected) in [
        ("a manual (April 2002): 181 cm", true),
        ("a manual (2002)", true),
        ("a page (undated, read in 2026)", false),
        ("a page [of 2012](http://example.org/2010/0810)", false),
        ("a page (undated)", false),
    ] {
        assert_eq!(names_a_year_of_publication(text), expected, "{text}");
    }
}

#[test]
fn each_bundled_opening_has_a_source_with_a_year_of_publication() {
    let current = Reference::bundled().unwrap().current();
    let known: Vec<_> = current.catalogue.aircraft.values().filter(|aircraft| !aircraft.openings.is_empty()).collect();
    assert!(known.len() < current.catalogue.aircraft.len(), "most are not known");
    for aircraft in &known {
        let start = format!("| `{}` | `{}` | ", aircraft.code.as_str(), text_of_openings(&aircraft.openings));
        let source = SOURCES.lines().find_map(|line| line.strip_prefix(start.as_str()));
        assert!(
            source.is_some_and(names_a_year_of_publication),
            "data/README.md has no row {start}… with a year of publication"
        );
    }
    let codes: Vec<&str> = known.iter().map(|aircraft| aircraft.code.as_str()).collect();
    assert_eq!(codes, ["320"]);
}

#[tokio::test]
async fn pieces_are_judged_by_the_bundled_openings_and_not_where_none_are_known() {
    let app = App::new();
    for (code, height, expected) in [
        ("320", 123, json!(true)),
        ("320", 124, json!(false)),
        ("ATF", 3000, Value::Null),
        ("321", 3000, Value::Null),
        ("77X", 3000, Value::Null),
    ] {
        let judged = app.get(&format!("/aircraft/{code}/fit?length_cm=120&width_cm=80&height_cm={height}")).await;
        assert_eq!(judged["fits"], expected, "{code}, {height} cm: {judged}");
    }
    let shown = app.get("/aircraft/320").await["openings"].clone();
    let expected = json!([
        {"deck": "LOWER", "door_width_cm": 181, "door_height_cm": 123, "max_length_cm": null, "max_piece_kg": null},
    ]);
    assert_eq!(shown, expected);
}
