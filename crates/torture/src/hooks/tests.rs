use super::{journal::Message, *};

fn event(id: &str, status: &str) -> Value {
    json!({"id": id, "type": "loadmaster.booking.booked.v1", "data": {"status": status}})
}

fn journal(of: &[(&str, &str, bool)]) -> Journal {
    let mut journal = Journal::default();
    for (id, status, is_accepted) in of {
        let mut event = event(id, status);
        event["source"] = "/loadmaster/1".into();
        journal.messages.insert((*id).to_owned(), Message { event, attempts: 1, ..Message::default() });
        if *is_accepted {
            journal.accept(id);
        }
    }
    journal
}

fn expected(of: &[(&str, &str)]) -> Expected {
    let possible: BTreeMap<_, _> = of.iter().map(|(id, status)| ((*id).to_owned(), event(id, status))).collect();
    let due = possible.iter().filter(|(id, _)| *id != "older").map(|(id, event)| (id.clone(), event.clone()));
    Expected { due: due.collect(), possible }
}

#[test]
fn what_was_committed_and_not_accepted_is_missing() {
    let journal = journal(&[("a", "BOOKED", true), ("b", "BOOKED", false)]);
    let missing =
        missing_at(1, &journal, &expected(&[("a", "BOOKED"), ("b", "BOOKED"), ("c", "BOOKED"), ("older", "BOOKED")]));
    let told = |id, attempts| {
        format!(
            "webhook 1: \"loadmaster.booking.booked.v1\" {id} was committed and has not arrived ({attempts} attempts)"
        )
    };
    assert_eq!(missing, [told("b", 1), told("c", 0)]);
}

#[test]
fn what_arrives_was_committed_just_so() {
    let journal =
        journal(&[("a", "BOOKED", true), ("b", "CANCELLED", true), ("c", "BOOKED", true), ("older", "BOOKED", true)]);
    let arrived = journal.messages.keys().cloned().collect();
    let found = surplus(2, &journal, &arrived, &expected(&[("a", "BOOKED"), ("b", "BOOKED"), ("older", "BOOKED")]));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("webhook 2: b arrived as "), "{found:?}");
    assert!(found[1].contains("c has arrived, but was not committed, or is not for it"), "{found:?}");
}

#[test]
fn few_of_many_are_shown() {
    let found = shown((0..SHOWN + 3).map(|number| number.to_string()));
    assert_eq!(found.len(), SHOWN + 1);
    assert_eq!(found.last().map(String::as_str), Some("and 3 more like the one before"));
}
