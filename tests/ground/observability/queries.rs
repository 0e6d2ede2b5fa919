//! Reading queries, as far as it takes to know what they ask for.
use std::collections::BTreeSet;

/// What a `PromQL` query asks for.
#[derive(Debug, Default, PartialEq)]
pub struct Asked {
    pub selectors: Vec<Selector>,
    /// The labels that it groups or matches by.
    pub groupings: BTreeSet<String>,
}

#[derive(Debug, Default, PartialEq)]
pub struct Selector {
    pub metric: String,
    pub matchers: Vec<Matcher>,
}

#[derive(Debug, PartialEq)]
pub struct Matcher {
    pub label: String,
    pub operator: String,
    pub value: String,
}

impl Matcher {
    /// The values that it names one by one; none if it describes them, or a variable does.
    pub fn values(&self) -> Vec<&str> {
        let is_plain = |value: &str| !value.contains(['.', '*', '+', '?', '(', '[', '$', '\\']);
        match self.operator.as_str() {
            "=" if !self.value.contains('$') => vec![&self.value],
            "=~" if is_plain(&self.value) => self.value.split('|').collect(),
            _ => Vec::new(),
        }
    }
}

const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const WORDS: [&str; 6] = ["and", "or", "unless", "bool", "offset", "inf"];

pub fn asked(query: &str) -> Asked {
    let mut asked = Asked::default();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '\'' | '`' => quoted(rest).1,
            '[' => &rest[rest.find(']').expect("a closed window") + 1..],
            '0'..='9' => rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.'),
            _ if is_name(first) => {
                let (name, after) = name(rest);
                if GROUPINGS.contains(&name) && after.starts_with('(') {
                    let (labels, after) = after[1..].split_once(')').expect("a closed list");
                    let labels = labels.split(',').map(str::trim).filter(|label| !label.is_empty());
                    asked.groupings.extend(labels.map(ToOwned::to_owned));
                    after
                } else if after.starts_with('(') || is_word(name, after) {
                    after
                } else {
                    let (matchers, after) = matchers(after);
                    asked.selectors.push(Selector { metric: name.to_owned(), matchers });
                    after
                }
            }
            _ => &rest[first.len_utf8()..],
        };
    }
    asked
}

/// Not a metric: a word of the language, or what sums up by labels that are named first.
fn is_word(word: &str, after: &str) -> bool {
    WORDS.contains(&word.to_lowercase().as_str()) || ["by", "without"].contains(&name(after).0)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// The name that the text begins with, and what comes after it and spaces.
fn name(text: &str) -> (&str, &str) {
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// What the quotes hold that the text begins with, and what comes after them. No query of ours escapes anything.
fn quoted(text: &str) -> (&str, &str) {
    let quote = text.chars().next().unwrap();
    text[1..].split_once(quote).unwrap_or_else(|| panic!("quotes are not closed: {text}"))
}

fn matchers(text: &str) -> (Vec<Matcher>, &str) {
    let Some(mut rest) = text.strip_prefix('{') else { return (Vec::new(), text) };
    let mut matchers = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ', '\n']);
        if let Some(after) = rest.strip_prefix('}') {
            return (matchers, after);
        }
        let (label, after) = name(rest);
        let length = after.find('"').expect("a quoted value");
        let (value, after_value) = quoted(&after[length..]);
        let operator = after[..length].trim().to_owned();
        matchers.push(Matcher { label: label.to_owned(), operator, value: value.to_owned() });
        rest = after_value;
    }
}

/// What a `LogQL` query takes from the lines: labels of the streams, and members of the line.
#[derive(Debug, Default, PartialEq)]
pub struct AskedOfLines {
    pub labels: BTreeSet<String>,
    pub members: BTreeSet<String>,
}

pub fn asked_of_lines(query: &str) -> AskedOfLines {
    let mut asked = AskedOfLines::default();
    let from = query.find('{').expect("a stream");
    let (streams, pipeline) = matchers(&query[from..]);
    asked.labels.extend(streams.into_iter().map(|matcher| matcher.label));
    let mut members: Vec<&str> = Vec::new();
    for template in query.split("{{.").skip(1) {
        members.push(name(template).0);
    }
    for grouping in query.split("by (").skip(1) {
        members.extend(grouping.split_once(')').expect("a closed list").0.split(',').map(str::trim));
    }
    for stage in stages(pipeline) {
        let (first, after) = name(stage);
        if first == "unwrap" {
            members.push(name(after).0);
        } else if after.starts_with(['=', '!', '<', '>']) {
            members.push(first);
        }
    }
    // A label may be grouped by as well; what Loki adds of itself begins with underscores.
    members.retain(|member| !member.is_empty() && !member.starts_with("__") && *member != "level");
    asked.members.extend(members.into_iter().map(ToOwned::to_owned));
    asked
}

/// What stands between the bars that stand in no quotes.
fn stages(pipeline: &str) -> Vec<&str> {
    let (mut stages, mut from, mut inside) = (Vec::new(), 0, None);
    for (at, c) in pipeline.char_indices() {
        match (inside, c) {
            (None, '"' | '`') => inside = Some(c),
            (Some(quote), _) if quote == c => inside = None,
            (None, '|') => {
                stages.push(pipeline[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    stages.push(pipeline[from..].trim());
    stages
}

#[test]
fn a_query_says_which_series_and_labels_it_needs() {
    let found = asked(
        r#"histogram_quantile(0.95, sum by (le, route) (rate(a_bucket{job="x",route=~"/a/{b}|/c"}[5m]))) > 0.5
           and on (job) (b:c / ignoring(state) d{e!="f,}"} offset 5m or vector(0)) == bool Inf"#,
    );
    let matcher = |(label, operator, value): (&str, &str, &str)| Matcher {
        label: label.into(),
        operator: operator.into(),
        value: value.into(),
    };
    let selector = |metric: &str, matchers: &[(&str, &str, &str)]| Selector {
        metric: metric.to_owned(),
        matchers: matchers.iter().copied().map(matcher).collect(),
    };
    let expected = [
        selector("a_bucket", &[("job", "=", "x"), ("route", "=~", "/a/{b}|/c")]),
        selector("b:c", &[]),
        selector("d", &[("e", "!=", "f,}")]),
    ];
    assert_eq!(found.selectors, expected);
    assert_eq!(found.groupings, ["job", "le", "route", "state"].map(String::from).into());
    assert_eq!(found.selectors[0].matchers[1].values(), ["/a/{b}", "/c"]);
    assert!(matcher(("status", "=~", "5..")).values().is_empty());
    assert!(matcher(("instance", "=~", "$instance")).values().is_empty());
}

#[test]
fn a_query_of_lines_says_which_members_it_needs() {
    let found = asked_of_lines(
        r#"quantile_over_time(0.9, {a="b", level=~"C|D"} |= "e|f" |= `$g` | json | h="i" | j >= 500
           | unwrap k | __error__="" | line_format "{{.l}} {{.m_n}}" [5m]) by (o, level)"#,
    );
    assert_eq!(found.labels, ["a", "level"].map(String::from).into());
    assert_eq!(found.members, ["h", "j", "k", "l", "m_n", "o"].map(String::from).into());
}
