//! Words for people.
use std::sync::Arc;

/// The language of the installation.
#[derive(Debug, Clone)]
pub struct Language(Arc<str>);

impl Language {
    /// In lower case, as preferences have it.
    pub fn new(tag: &str) -> Self {
        Self(tag.to_ascii_lowercase().into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Longest name of an organization in a letter to strangers, in characters.
const LONGEST_NAME: usize = 60;
/// In place of a name that looks like a link.
const NEUTRAL: &str = "A shipper";

/// Returns a name that an organization has given to itself, for strangers: one line, and nothing that a mail program could
/// make a link of. A name that has such a part could carry a message of its own, and is not repeated at all.
pub fn plain(name: &str) -> String {
    named(name).unwrap_or_else(|| NEUTRAL.to_owned())
}

/// The same; `None` for a name that is not repeated.
pub fn named(name: &str) -> Option<String> {
    let words: Vec<&str> =
        name.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line = words.join(" ");
    let is_link = words.iter().any(|word| word.contains(['/', ':', '@']) || has_inner_dot(word));
    (!is_link && !line.is_empty()).then(|| line.chars().take(LONGEST_NAME).collect())
}

/// Whether a dot has something on both sides that can be of a host name. Dots of other scripts count (UTS 46), and invisible
/// characters do not part it.
fn has_inner_dot(word: &str) -> bool {
    let is_dot = |c: char| matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}');
    let can_be_of_host = |c: char| !is_dot(c) && !c.is_ascii_punctuation();
    let parts: Vec<&str> = word.split(is_dot).collect();
    parts.windows(2).any(|pair| pair[0].ends_with(can_be_of_host) && pair[1].starts_with(can_be_of_host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_letters_to_strangers_are_no_links() {
        for name in ["Example Freight & Co.", "A. Müller, Söhne", "No. 1 Cargo!", "Étoile Fret..."] {
            assert_eq!(plain(name), name);
        }
        let hostile = [
            "Win at evil.example",
            "evil.example!",
            "evil.example/win",
            "(evil.example)",
            "see evil /win",
            "evil.example:8443",
            "10.0.0.1",
            "bücher.пример",
            "evil\u{3002}example",
            "evil\u{200b}.example",
            "evil.\u{200b}example",
            "https://evil",
            "www.evil",
            "ann@evil",
            " \r\n",
        ];
        for name in hostile {
            assert_eq!(plain(name), NEUTRAL, "{name:?}");
        }
        assert_eq!(plain("Ann\r\n &\tSons\u{7}"), "Ann & Sons");
        assert_eq!(plain(&"x".repeat(100)).len(), LONGEST_NAME);
    }
}
