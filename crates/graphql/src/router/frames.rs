//! The parts of a stream of server-sent events.

/// A part of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A comment, or how long the client waits.
    Line(String),
    Event {
        id: Option<String>,
        name: String,
        data: String,
    },
}

/// Reads the parts of a stream as they come.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    rest: Vec<u8>,
    id: Option<String>,
    name: String,
    data: String,
}

impl Frames {
    /// Returns the parts that are complete with these bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Part> {
        self.rest.extend_from_slice(bytes);
        let mut parts = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            parts.extend(self.line(line.trim_end_matches('\n')));
        }
        parts
    }

    fn line(&mut self, line: &str) -> Option<Part> {
        if line.is_empty() {
            let (id, name, data) = (self.id.take(), std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            return (id.is_some() || !data.is_empty()).then_some(Part::Event { id, name, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.push_str(value),
            _ => return Some(Part::Line(format!("{line}\n"))),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_lines_are_read_however_they_are_cut() {
        let text = "retry: 3000\nid: 7\nevent: booking\ndata: {\"a\":1}\n\n:\nevent: reset\ndata: {}\n\n";
        let event = |id: Option<&str>, name: &str, data: &str| Part::Event {
            id: id.map(str::to_owned),
            name: name.to_owned(),
            data: data.to_owned(),
        };
        let expected = [
            Part::Line("retry: 3000\n".to_owned()),
            event(Some("7"), "booking", "{\"a\":1}"),
            Part::Line(":\n".to_owned()),
            event(None, "reset", "{}"),
        ];
        for size in 1..text.len() {
            let mut frames = Frames::default();
            let parts: Vec<Part> = text.as_bytes().chunks(size).flat_map(|bytes| frames.push(bytes)).collect();
            assert_eq!(parts, expected, "{size}");
        }
    }
}
