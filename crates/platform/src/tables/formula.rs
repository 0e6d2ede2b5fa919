//! Spreadsheets take text that begins like a formula for one, also from a CSV file. Such a text is written with a `'` before
//! it, which reading takes off again.
use std::borrow::Cow;

/// Returns whether a spreadsheet might take the text for a formula, or the `'` before one for its mark of text.
fn is_like_formula(text: &str) -> bool {
    let first = text.trim_start_matches('\'').chars().next();
    first.is_some_and(|c| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'))
}

/// Returns the text as it is written.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if is_like_formula(text) { format!("'{text}").into() } else { text.into() }
}

/// Returns the text that was written so.
pub fn unguarded(written: &str) -> &str {
    written.strip_prefix('\'').filter(|text| is_like_formula(text)).unwrap_or(written)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_begins_like_a_formula_gets_an_apostrophe() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("+44 20", "'+44 20"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("\n=x", "'\n=x"),
            ("＝1", "'＝1"),
            ("＠x", "'＠x"),
            ("'=1", "''=1"),
            ("O'Hare", "O'Hare"),
            ("'t Harde", "'t Harde"),
            ("", ""),
            ("1-1", "1-1"),
        ] {
            assert_eq!(guarded(text), written);
            assert_eq!(unguarded(written), text);
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in "['=+@a＝ -]{0,5}") {
            let written = guarded(&text);
            prop_assert_eq!(unguarded(&written), &text);
            prop_assert!(!written.starts_with(['=', '+', '-', '@', '＝']));
        }
    }
}
