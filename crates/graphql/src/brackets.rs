//! Looks at the brackets of a document before it is read: the reader calls itself for each.
use super::cost::MOST_LEVELS;

/// Returns whether brackets are nested more deeply than any document that is read.
pub(crate) fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            b'{' | b'[' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
                after
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                after
            }
            b'#' => after.iter().position(|byte| matches!(byte, b'\n' | b'\r')).map_or(&[], |end| &after[end..]),
            b'"' => behind_text(after),
            _ => after,
        };
    }
    deepest > MOST_LEVELS
}

/// Returns what follows a text after its first quote.
fn behind_text(text: &[u8]) -> &[u8] {
    let is_block = text.starts_with(b"\"\"");
    let (mut rest, end): (&[u8], &[u8]) = if is_block { (&text[2..], b"\"\"\"") } else { (text, b"\"") };
    while !rest.is_empty() {
        if rest.starts_with(end) {
            return &rest[end.len()..];
        }
        let step = if rest[0] == b'\\' { if is_block && rest.starts_with(b"\\\"\"\"") { 4 } else { 2 } } else { 1 };
        rest = rest.get(step..).unwrap_or_default();
    }
    rest
}
