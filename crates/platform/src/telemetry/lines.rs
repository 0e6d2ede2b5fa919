//! A log line: one JSON object, written straight into the line's buffer, or text for people. No text in it is longer than
//! [`LONGEST_TEXT`].
use std::fmt::{self, Debug, Display, Write};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// The time, the level, the event's fields, the target, and the current span with its fields, which are JSON already.
#[derive(Debug)]
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        line.write_str(r#"{"timestamp":""#)?;
        SystemTime.format_time(&mut line)?;
        write!(line, r#"","level":"{}""#, event.metadata().level())?;
        let mut fields = Fields { line: &mut line, target: None, outcome: Ok(()) };
        event.record(&mut fields);
        let (target, outcome) = (fields.target, fields.outcome);
        outcome?;
        line.write_str(r#","target":"#)?;
        write_text(&mut line, &target.as_deref().unwrap_or(event.metadata().target()))?;
        if let Some(span) = context.lookup_current() {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>().map_or("", |fields| fields.fields.as_str());
            write!(line, r#","span":{{"name":"{}"{fields}}}"#, span.name())?;
        }
        line.write_str("}\n")
    }
}

/// The fields of a span as JSON, each with a comma before it.
#[derive(Debug)]
pub(super) struct JsonFields;

impl<'w> FormatFields<'w> for JsonFields {
    fn format_fields<R: RecordFields>(&self, mut line: Writer<'w>, fields: R) -> fmt::Result {
        let mut writing = Fields { line: &mut line, target: None, outcome: Ok(()) };
        fields.record(&mut writing);
        writing.outcome
    }
}

/// The fields of an event or a span as text.
#[derive(Debug)]
pub(super) struct PlainFields;

impl<'w> FormatFields<'w> for PlainFields {
    fn format_fields<R: RecordFields>(&self, mut line: Writer<'w>, fields: R) -> fmt::Result {
        let mut writing = Plain { line: &mut line, pause: "", outcome: Ok(()) };
        fields.record(&mut writing);
        writing.outcome
    }
}

struct Plain<'a, 'w> {
    line: &'a mut Writer<'w>,
    /// What stands between fields.
    pause: &'static str,
    outcome: fmt::Result,
}

impl Visit for Plain<'_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if self.outcome.is_err() || field.name().starts_with("log.") {
            return;
        }
        let (pause, name) = (std::mem::replace(&mut self.pause, " "), field.name());
        let named = if name == "message" { self.line.write_str(pause) } else { write!(self.line, "{pause}{name}=") };
        let mut text = Printable { line: &mut *self.line };
        self.outcome = named.and_then(|()| write!(Cut { text: &mut text, left: LONGEST_TEXT }, "{value:?}"));
    }
}

/// Writes the fields of an event or a span as JSON, each with a comma before it.
struct Fields<'a, 'w> {
    line: &'a mut Writer<'w>,
    /// The target of a record of the `log` crate, whose own fields begin with `log.`.
    target: Option<String>,
    outcome: fmt::Result,
}

impl Fields<'_, '_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.outcome.is_ok() && !field.name().starts_with("log.") {
            let line = &mut *self.line;
            self.outcome = write!(line, r#","{}":"#, field.name()).and_then(|()| value(line));
        }
    }
}

impl Visit for Fields<'_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, |line| write_text(line, &format_args!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.target = Some(value.to_owned());
        }
        self.write(field, |line| write_text(line, &value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no other numbers.
        self.write(field, |line| if value.is_finite() { write!(line, "{value:?}") } else { line.write_str("null") });
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, |line| write!(line, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, |line| write!(line, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field, |line| write!(line, "{value}"));
    }
}

/// Longest text of a field, in bytes: text that a caller or a failing library made, however long, takes the place of a few
/// lines. Longer ones are cut.
const LONGEST_TEXT: usize = 8 * 1024;

/// Writes a JSON string.
fn write_text(line: &mut Writer<'_>, text: &dyn Display) -> fmt::Result {
    line.write_char('"')?;
    write!(Cut { text: &mut Escaping { line }, left: LONGEST_TEXT }, "{text}")?;
    line.write_char('"')
}

/// Writes as many bytes as are left, and not the rest.
struct Cut<'a, W> {
    text: &'a mut W,
    left: usize,
}

impl<W: Write> Write for Cut<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = text.floor_char_boundary(self.left);
        // Nothing follows what is cut, also where a shorter piece would fit.
        self.left = if end < text.len() { 0 } else { self.left - end };
        self.text.write_str(&text[..end])
    }
}

/// Escapes control characters, which a terminal would obey, and which would begin another line.
struct Printable<'a, 'w> {
    line: &'a mut Writer<'w>,
}

impl Write for Printable<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (at, control) in text.char_indices().filter(|(_, one)| one.is_control()) {
            self.line.write_str(&text[plain..at])?;
            write!(self.line, "{}", control.escape_default())?;
            plain = at + control.len_utf8();
        }
        self.line.write_str(&text[plain..])
    }
}

struct Escaping<'a, 'w> {
    line: &'a mut Writer<'w>,
}

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.line.write_str(&text[plain..at])?;
            match byte {
                b'"' => self.line.write_str("\\\"")?,
                b'\\' => self.line.write_str("\\\\")?,
                b'\n' => self.line.write_str("\\n")?,
                b'\t' => self.line.write_str("\\t")?,
                b'\r' => self.line.write_str("\\r")?,
                other => write!(self.line, "\\u{other:04x}")?,
            }
            plain = at + 1;
        }
        self.line.write_str(&text[plain..])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing_subscriber::{fmt, layer::SubscriberExt};

    use super::*;

    #[derive(Clone, Default)]
    struct LineBuffer(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for LineBuffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl LineBuffer {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    /// The lines that this work logs.
    fn logged(work: impl FnOnce()) -> Vec<Value> {
        let kept = LineBuffer::default();
        let writer = kept.clone();
        let lines = fmt::layer().fmt_fields(JsonFields).event_format(JsonLines);
        let lines = lines.with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), work);
        let text = kept.text();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn each_line_is_an_object_whatever_its_values() {
        let odd = "a \"quoted\" \\ back\nline\u{1}end é";
        let lines = logged(|| {
            let span = tracing::info_span!("request", request_id = %odd, none = tracing::field::Empty);
            let _inside = span.enter();
            tracing::info!(%odd, text = odd, debug = ?odd, count = 7_u64, below = -7, share = 0.5, endless = f64::NAN, done = true, "said {odd}");
            tracing::info_span!("empty").in_scope(|| tracing::warn!("nothing else"));
        });
        let mut first = lines[0].clone();
        assert!(first["timestamp"].as_str().unwrap().ends_with('Z'));
        first["timestamp"] = Value::Null;
        assert_eq!(
            first,
            json!({"timestamp": null, "level": "INFO", "message": format!("said {odd}"), "odd": odd, "text": odd,
                "debug": format!("{odd:?}"), "count": 7, "below": -7, "share": 0.5, "endless": null, "done": true,
                "target": module_path!(), "span": {"request_id": odd, "name": "request"}})
        );
        assert_eq!((&lines[1]["level"], &lines[1]["span"]), (&json!("WARN"), &json!({"name": "empty"})));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "é\"".repeat(LONGEST_TEXT);
        let lines = logged(|| {
            let span = tracing::info_span!("request", path = long, later = tracing::field::Empty);
            span.record("later", &long);
            span.in_scope(|| tracing::warn!(text = long, "{long}"));
        });
        for field in ["/text", "/message", "/span/path", "/span/later"] {
            let text = lines[0].pointer(field).unwrap().as_str().unwrap();
            assert!((LONGEST_TEXT - 1..=LONGEST_TEXT).contains(&text.len()), "{field}: {}", text.len());
            assert!(long.starts_with(text), "{field}");
        }
    }

    /// The text for people that this work logs.
    fn printed(work: impl FnOnce()) -> String {
        let kept = LineBuffer::default();
        let writer = kept.clone();
        let lines = fmt::layer().fmt_fields(PlainFields).with_ansi(false).without_time().with_target(false);
        let lines = lines.with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), work);
        kept.text()
    }

    #[test]
    fn nothing_follows_what_is_cut() {
        let long = "x".repeat(LONGEST_TEXT - 1);
        let lines = logged(|| tracing::warn!("{long}{}{}", "é", "y"));
        assert_eq!(lines[0]["message"], long);
    }

    #[test]
    fn a_terminal_obeys_no_text_of_a_line_for_people() {
        let text = "a\u{1b}]0;é\u{7}\u{9b}2J\nINFO forged";
        let printed = printed(|| {
            let span = tracing::info_span!("request", path = %text);
            span.in_scope(|| tracing::warn!(agent = %text, "{text}"));
        });
        let shown = r"a\u{1b}]0;é\u{7}\u{9b}2J\nINFO forged";
        assert_eq!(printed, format!(" WARN request{{path={shown}}}: {shown} agent={shown}\n"));
    }

    #[test]
    fn a_long_text_is_cut_in_lines_for_people_too() {
        let long = "x".repeat(2 * LONGEST_TEXT);
        let printed = printed(|| {
            let span = tracing::info_span!("request", path = %long);
            span.in_scope(|| tracing::warn!(text = %long, count = 7, "{long}"));
        });
        let cut = &long[..LONGEST_TEXT];
        assert_eq!(printed, format!(" WARN request{{path={cut}}}: {cut} text={cut} count=7\n"));
    }
}
