//! All patterns of the API's description and of the messages' schemas compile in the languages that clients are written in.
use regex::Regex;
use serde_json::Value;

use crate::app::{event_schemas, openapi};

/// Characters that ECMAScript, RE2, PCRE2, Java, .NET, Python and Rust all read behind a backslash, with one meaning.
const ESCAPED: &str = r"\^$.|?*+()[]{}/-nrtds";

/// Collects the values of all members `pattern` that are texts.
fn patterns_of(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("pattern").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| patterns_of(member, found));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| patterns_of(entry, found)),
        _ => {}
    }
}

/// Returns what another language would not read; the `regex` crate has the syntax of RE2.
fn fault(pattern: &str) -> Option<String> {
    if let Err(error) = Regex::new(pattern) {
        return Some(error.to_string());
    }
    let mut rest = pattern;
    while let Some(at) = rest.find(['\\', '(']) {
        let (construct, behind) = rest[at..].split_at(1);
        let is_known = match construct {
            "(" => !behind.starts_with('?') || behind.starts_with("?:"),
            _ if behind.starts_with('x') => {
                behind.len() > 2 && behind.bytes().skip(1).take(2).all(|byte| byte.is_ascii_hexdigit())
            }
            _ => behind.starts_with(|c| ESCAPED.contains(c)),
        };
        if !is_known {
            return Some(format!("not every language reads `{construct}{behind}`"));
        }
        // What stands behind a backslash begins nothing.
        rest = if construct == "\\" { behind.get(1..).unwrap_or_default() } else { behind };
    }
    None
}

#[test]
fn each_pattern_of_the_description_is_read_by_re2_and_pcre2() {
    let mut found = Vec::new();
    patterns_of(&serde_json::to_value(openapi()).unwrap(), &mut found);
    assert!(found.len() > 100, "{}", found.len());
    for schema in event_schemas().into_values() {
        patterns_of(schema, &mut found);
    }
    for pattern in found {
        assert_eq!(fault(&pattern), None, "{pattern}");
    }
}

#[test]
fn constructs_that_a_language_lacks_are_found() {
    for pattern in
        [r"^[^\u0000-\u001f]$", r"\u{1f}", r"\x{1f}", r"\p{L}", r"(?i)a", "(?<a>b)", r"a\z", "[", r"(a)\1", "a(?=b)"]
    {
        assert!(fault(pattern).is_some(), "{pattern}");
    }
    for pattern in [r"^[^\x00-\x1f\s]+$", r"^(?:a|\(\?)\\\\$", r"^[0-9]{1,12}(\.[0-9]{1,3})?$"] {
        assert_eq!(fault(pattern), None, "{pattern}");
    }
}

#[test]
fn a_line_has_no_control_characters_and_is_not_blank() {
    let line = Regex::new(super::schemas::LINE).unwrap();
    for text in ["Acme Freight", "Zoë", "  é", "東京"] {
        assert!(line.is_match(text), "{text}");
    }
    for text in ["", "  ", "a\nb", "a\u{7f}", "\u{9f}a", "\0"] {
        assert!(!line.is_match(text), "{text:?}");
    }
}
