use bytes::Bytes;
use serde::Serialize;

/// The first line of every stream: how long a client waits before it comes back, in milliseconds.
pub const RETRY: &str = "retry: 3000\n";

/// A line that says nothing. No empty line follows it: some clients take each empty line for an event.
pub(super) const COMMENT: Bytes = Bytes::from_static(b":\n");

/// An event as it is sent. `data` is one line of JSON.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    pub name: &'a str,
    pub id: &'a str,
    pub data: &'a str,
}

impl Event<'_> {
    pub fn text(&self) -> String {
        let Self { name, id, data } = self;
        debug_assert!(!data.contains(['\n', '\r']), "JSON stands on one line");
        format!("id: {id}\nevent: {name}\ndata: {data}\n\n")
    }

    pub fn bytes(&self) -> Bytes {
        self.text().into()
    }
}

/// Returns an id without data, which is no event: clients keep the id and show nothing.
pub fn open(id: &str) -> String {
    format!("id: {id}\nevent: open\n\n")
}

/// Returns the event that informs a client that its id leads nowhere; the state now follows it.
pub fn reset(reason: &'static str) -> String {
    #[derive(Serialize)]
    struct Reset {
        reason: &'static str,
    }
    let data = serde_json::to_string(&Reset { reason }).unwrap_or_default();
    format!("event: reset\ndata: {data}\n\n")
}

/// Returns what a stream begins with.
pub fn first_of(events: &str) -> Bytes {
    [RETRY, events].concat().into()
}

/// Returns the last line of a stream: how long its client waits before it comes back.
pub(super) fn farewell(milliseconds: u16) -> Bytes {
    format!("retry: {milliseconds}\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_ends_with_an_empty_line_and_what_is_no_event_does_not() {
        let event = Event { name: "state", id: "7", data: "{}" };
        assert_eq!(event.text(), "id: 7\nevent: state\ndata: {}\n\n");
        assert_eq!(reset("unknown"), "event: reset\ndata: {\"reason\":\"unknown\"}\n\n");
        assert_eq!(open("7"), "id: 7\nevent: open\n\n");
        assert_eq!(first_of(&event.text()), "retry: 3000\nid: 7\nevent: state\ndata: {}\n\n");
        assert!(![first_of(""), farewell(1234), COMMENT].iter().any(|text| text.ends_with(b"\n\n")));
    }
}
