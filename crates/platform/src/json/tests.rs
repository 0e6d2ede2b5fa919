use proptest::prelude::*;
use serde_json::json;

use super::*;

#[track_caller]
fn refused(text: &[u8]) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn text_is_read_to_128_levels_and_no_deeper() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(parse(nested(128).as_bytes()).is_ok());
    assert_eq!(parse(nested(129).as_bytes()), Err(JsonError::TooDeep));
    assert_eq!(parse("[".repeat(1_000_000).as_bytes()), Err(JsonError::TooDeep));
    assert_eq!(parse("{\"a\":[".repeat(65).as_bytes()), Err(JsonError::TooDeep));
    assert_eq!(parse(br#"{"a":"[[[\"[[","b":[1]}"#), Ok(json!({"a": "[[[\"[[", "b": [1]})), "brackets in strings");
    let beside = format!("[{}]", vec![nested(127); 100].join(","));
    assert!(parse(beside.as_bytes()).is_ok(), "levels beside each other do not add up");
}

#[test]
fn the_names_of_serde_json_are_names_like_others() {
    for name in ["$serde_json::private::RawValue", "$serde_json::private::Number"] {
        for written in [name.to_owned(), name.replace('$', "\\u0024"), name.replace("private", "\\u0070rivate")] {
            let value = parse(format!("{{\"{written}\":\"[500]\"}}").as_bytes()).unwrap();
            assert_eq!(value.as_object().unwrap()[name], "[500]", "{written}");
        }
    }
}

#[test]
fn numbers_keep_their_digits() {
    for digits in ["0", "-0", "1.50", "1e400", "-1E-400", "123456789012345678901234567890", "0.30000000000000004"] {
        let Value::Number(number) = parse(digits.as_bytes()).unwrap() else { panic!("{digits} is a number") };
        let expected: Value = serde_json::from_str(digits).unwrap();
        assert_eq!(number.to_string(), expected.to_string());
    }
    for text in ["-", "01", "1.", ".5", "1e", "1e+", "+1", "--1", "1-1", "0x1", "NaN", "Infinity", "1e400e1"] {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn the_last_of_duplicate_members_counts() {
    assert_eq!(parse(br#"{"a":1,"b":2,"\u0061":3}"#), Ok(json!({"a": 3, "b": 2})));
}

#[test]
fn strings_are_unescaped() {
    let text = r#""a\"\\\/\b\f\n\r\t\u00e9\u20AC\ud83d\ude00é😀""#;
    assert_eq!(parse(text.as_bytes()), Ok(json!("a\"\\/\u{8}\u{c}\n\r\té€😀é😀")));
    for lone in ["\\ud83d", "\\ude00", "\\ud83d\\u0041", "\\ud83d\\ud83d", "\\ud83dx", "\\ude00\\ud83d"] {
        let text = format!("\"{lone}\"");
        assert!(refused(text.as_bytes()).starts_with("a surrogate lacks its other half"), "{lone}");
    }
    for bad in [
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u+123\"",
        "\"\\u00é\"",
        "\"\u{1}\"",
        "\"\n\"",
        "\"\\",
        "\"a",
        "\"\\ud83d\\u",
    ] {
        assert!(parse(bad.as_bytes()).is_err(), "{bad:?}");
    }
}

#[test]
fn malformed_values_are_refused_with_their_position() {
    for (text, expected) in [
        ("", "the text ends too early at line 1 column 1"),
        ("{", "the text ends too early at line 1 column 2"),
        ("{} {}", "text follows the value at line 1 column 4"),
        ("{\n  \"a\": NaN}", "a value is expected at line 2 column 8"),
        ("[1,]", "a value is expected at line 1 column 4"),
        ("[1 2]", "`,` or `]` is expected at line 1 column 4"),
        ("{\"a\":1,}", "the name of a member is expected at line 1 column 8"),
        ("{\"a\" 1}", "`:` is expected at line 1 column 6"),
        ("{\"a\":1]", "`,` or `}` is expected at line 1 column 7"),
        ("[1e400", "the text ends too early at line 1 column 7"),
        ("nul", "a value is expected at line 1 column 1"),
        ("\u{feff}{}", "a value is expected at line 1 column 1"),
        ("\u{a0}{}", "a value is expected at line 1 column 1"),
    ] {
        assert_eq!(refused(text.as_bytes()), expected, "{text:?}");
    }
    assert_eq!(refused(b"{\"a\xff\":1}"), "the text is not UTF-8 at line 1 column 4");
}

/// Values whose text means the same to `serde_json`: no name is one of its own.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?"
            .prop_map(|digits| Value::Number(digits.parse().unwrap())),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..8).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn it_reads_what_serde_json_writes(value in values(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap();
        prop_assert_eq!(parse(&text), Ok(value));
    }

    #[test]
    fn it_accepts_the_same_damaged_texts_as_serde_json(value in values(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = serde_json::to_vec(&value).unwrap();
        let at = at.index(text.len());
        text[at] = byte;
        let expected = serde_json::from_slice::<Value>(&text);
        prop_assert_eq!(parse(&text).ok(), expected.ok());
    }
}
