use aws_lc_rs::digest::{Context, Digest, SHA256};
use serde_json::{Number, Value};

/// Returns a 32-byte digest of a request: equal requests have equal digests. JSON counts by its parsed value: the order
/// of members, spaces and the notation of numbers do not matter.
pub fn fingerprint(query: &str, body: &Content<'_>) -> [u8; 32] {
    let mut digest = Context::new(&SHA256);
    part(&mut digest, "query", query.as_bytes());
    match body {
        Content::Json(value) => json(&mut digest, value),
        Content::Bytes(bytes) => part(&mut digest, "bytes", bytes),
    }
    bytes(&digest.finish())
}

/// The content of a request's body.
#[derive(Debug)]
pub enum Content<'a> {
    Json(Value),
    Bytes(&'a [u8]),
}

/// Returns the digest of several texts, with unambiguous boundaries between them.
pub fn digest_of(texts: &[&str]) -> [u8; 32] {
    let mut digest = Context::new(&SHA256);
    for text in texts {
        part(&mut digest, "text", text.as_bytes());
    }
    bytes(&digest.finish())
}

fn bytes(digest: &Digest) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}

fn part(digest: &mut Context, kind: &str, content: &[u8]) {
    digest.update(format!("{kind} {}:", content.len()).as_bytes());
    digest.update(content);
}

fn json(digest: &mut Context, value: &Value) {
    match value {
        Value::Null => part(digest, "null", b""),
        Value::Bool(bool) => part(digest, "bool", bool.to_string().as_bytes()),
        Value::Number(written) => part(digest, "number", number(written).as_bytes()),
        Value::String(text) => part(digest, "string", text.as_bytes()),
        Value::Array(items) => {
            part(digest, "array", items.len().to_string().as_bytes());
            for item in items {
                json(digest, item);
            }
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            part(digest, "object", members.len().to_string().as_bytes());
            for (name, member) in members {
                part(digest, "name", name.as_bytes());
                json(digest, member);
            }
        }
    }
}

/// Writes a number as its digits without needless zeros and the power of ten of the last: `500`, `500.0` and `5e2` are
/// all `5e2`.
fn number(written: &Number) -> String {
    let text = written.to_string();
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    let dropped = digits.len() - digits.trim_end_matches('0').len();
    // An exponent beyond any integer type exceeds every member's range: such a number is never accepted.
    let exponent: i128 = exponent.parse().unwrap_or(i128::from(i64::MAX));
    let places = i128::try_from(fraction.len()).unwrap_or_default() - i128::try_from(dropped).unwrap_or_default();
    format!("{sign}{significant}e{}", exponent.saturating_sub(places))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> [u8; 32] {
        fingerprint("", &Content::Json(serde_json::from_str(text).unwrap()))
    }

    #[test]
    fn equivalent_bodies_have_the_same_fingerprint() {
        let same = [
            r#"{"a": 500, "b": [1, {"c": null}]}"#,
            r#"{"b":[1.0,{"c":null}],"a":5e2}"#,
            r#"{"b":[10e-1,{"c":null}],"a":500.00}"#,
            r#"{"a":0.5E+3,"b":[1,{"c":null}]}"#,
        ];
        for text in same {
            assert_eq!(of(text), of(same[0]), "{text}");
        }
        for (one, other) in [("0", "-0.0"), ("0e5", "0"), ("100", "1e2"), ("-2.50", "-2.5"), ("0.010", "1e-2")] {
            assert_eq!(of(one), of(other), "{one} and {other}");
        }
    }

    #[test]
    fn an_exponent_of_any_size_is_read() {
        for exponent in ["170141183460469231731687303715884105727", "-170141183460469231731687303715884105728"] {
            for mantissa in ["10", "1.5"] {
                of(&format!("{mantissa}e{exponent}"));
            }
        }
    }

    #[test]
    fn different_bodies_have_different_fingerprints() {
        let different = [
            "1",
            "-1",
            "10",
            "0.1",
            "\"1\"",
            "[1]",
            "[1,1]",
            "[[1],1]",
            "{\"a\":1}",
            "{\"a\":\"1\"}",
            "null",
            "[]",
            "{}",
        ];
        for (at, one) in different.iter().enumerate() {
            for other in &different[at + 1..] {
                assert_ne!(of(one), of(other), "{one} and {other}");
            }
        }
        let bytes = |query: &str, bytes: &[u8]| fingerprint(query, &Content::Bytes(bytes));
        assert_ne!(bytes("a", b"b"), bytes("", b"ab"));
        assert_ne!(bytes("", b"1"), of("1"));
    }
}
