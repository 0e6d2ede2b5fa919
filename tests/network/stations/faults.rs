//! Every fault of what staff writes.
use loadmaster_testkit::{
    World,
    freight::{with, without},
};
use serde_json::{Value, json};

use super::{STATIONS, content, put};

fn hours(members: Value) -> Value {
    with(json!({"desk": "EXPORT", "days": [1], "from": "06:00", "to": "08:00"}), members)
}

/// What is sent, where its fault is, and the fault's code.
fn faulty() -> Vec<(Value, &'static str, &'static str)> {
    let one = |member: &str, value: Value| json!({ member: value });
    let opening = |members: Value| one("hours", json!([hours(members)]));
    let two = |first: Value, second: Value| one("hours", json!([hours(first), hours(second)]));
    let rule = |members: Value| one("acceptance", json!([with(json!({"minutes_before": 60}), members)]));
    let notice = json!({"text": "Closed", "from": "2026-12-01", "to": "2026-12-02"});
    let notice = |members: Value| one("notices", json!([with(notice.clone(), members)]));
    let contact = |members: Value| one("contacts", json!([with(json!({"desk": "EXPORT"}), members)]));
    vec![
        (one("summary", json!("s".repeat(301))), "/summary", "too_long"),
        (one("summary", json!("a\nb")), "/summary", "invalid_format"),
        (one("text", json!("t".repeat(5001))), "/text", "too_long"),
        (one("text", json!("a\u{0}b")), "/text", "invalid_format"),
        (one("text", json!("a\u{1b}[2Jb")), "/text", "invalid_format"),
        (one("text", json!(" ")), "/text", "too_short"),
        (one("highlights", json!(vec!["h"; 11])), "/highlights", "too_long"),
        (one("highlights", json!(["a", "h".repeat(201)])), "/highlights/1", "too_long"),
        (one("tags", json!(["nothing"])), "/tags/0", "unknown_value"),
        (one("tags", json!(["a b"])), "/tags/0", "invalid_format"),
        (one("tags", json!(["a", "A"])), "/tags/1", "invalid_format"),
        (one("capabilities", json!(["COOL_ROOM", "GYM"])), "/capabilities/1", "unknown_value"),
        (one("capabilities", json!(["COOL_ROOM", "COOL_ROOM"])), "/capabilities/1", "invalid_format"),
        (one("hours", json!(vec![hours(json!({})); 51])), "/hours", "too_long"),
        (opening(json!({"desk": "BAR"})), "/hours/0/desk", "unknown_value"),
        (opening(json!({"days": []})), "/hours/0/days", "too_short"),
        (opening(json!({"days": [1, 2, 1]})), "/hours/0/days/2", "invalid_format"),
        (opening(json!({"days": [0]})), "/hours/0/days/0", "too_small"),
        (opening(json!({"days": [8]})), "/hours/0/days/0", "too_large"),
        (opening(json!({"from": "6:00"})), "/hours/0/from", "invalid_format"),
        (opening(json!({"to": "24:01"})), "/hours/0/to", "invalid_format"),
        (opening(json!({"to": "06:00"})), "/hours/0/to", "out_of_order"),
        (
            two(json!({"days": [1, 2]}), json!({"days": [2, 3], "from": "07:59", "to": "09:00"})),
            "/hours/1/from",
            "out_of_order",
        ),
        (rule(json!({"minutes_before": -1})), "/acceptance/0/minutes_before", "too_small"),
        (rule(json!({"minutes_before": 10_081})), "/acceptance/0/minutes_before", "too_large"),
        (rule(json!({"product": "A B"})), "/acceptance/0/product", "invalid_format"),
        (rule(json!({"handling_code": "QQQ"})), "/acceptance/0/handling_code", "unknown_value"),
        (notice(json!({"text": "t".repeat(501)})), "/notices/0/text", "too_long"),
        (notice(json!({"from": "2026-02-30"})), "/notices/0/from", "invalid_format"),
        (notice(json!({"to": "2026-11-30"})), "/notices/0/to", "out_of_order"),
        (contact(json!({"name": "Ann"})), "/contacts/0/phone", "required"),
        (contact(json!({"phone": "0"})), "/contacts/0/phone", "invalid_format"),
        (contact(json!({"email": "ann"})), "/contacts/0/email", "invalid_format"),
        (contact(json!({"email": "ann@example.com", "name": "n".repeat(101)})), "/contacts/0/name", "too_long"),
        (one("is_featured", json!(true)), "/is_featured", "unknown_field"),
    ]
}

#[tokio::test]
async fn each_fault_of_what_is_written_names_its_member() {
    let world = World::start().await;
    let operator = world.operator().await;
    for (body, pointer, code) in faulty() {
        let faults = put(&operator, "DEL", 0, body.clone()).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{body}");
    }
    assert_eq!(world.count("stations").await, 0);
    let apart =
        json!([hours(json!({})), hours(json!({"from": "08:00", "to": "24:00"})), hours(json!({"desk": "CUSTOMS"}))]);
    put(&operator, "DEL", 0, json!({"hours": apart, "text": "t".repeat(5000)})).await.expect(200);
}

#[tokio::test]
async fn a_member_that_must_be_there_is_missed() {
    let world = World::start().await;
    let operator = world.operator().await;
    for (list, members) in [
        ("hours", &["desk", "days", "from", "to"][..]),
        ("acceptance", &["minutes_before"]),
        ("notices", &["text", "from", "to"]),
        ("contacts", &["desk"]),
    ] {
        for member in members {
            let entry = without(content()[list][0].clone(), member);
            let faults = put(&operator, "DEL", 0, json!({ list: [entry] })).await.expect_faults();
            assert_eq!(faults, [(format!("/{list}/0/{member}"), "required".to_owned())]);
        }
    }
}

#[tokio::test]
async fn many_stations_are_featured_by_administrators_alone() {
    let world = World::start().await;
    let (admin, operator) = (world.admin().await, world.operator().await);
    let bulk = format!("{STATIONS}/bulk");
    let act = |action: &str, ids: Value| json!({"action": action, "ids": ids});
    operator.post(&bulk, act("feature", json!(["DEL"]))).await.expect_problem(403, "forbidden");
    for (body, pointer, code) in [
        (act("hide", json!(["DEL"])), "/action", "unknown_value"),
        (act("feature", json!([])), "/ids", "required"),
        (act("feature", json!(["DEL", "del"])), "/ids/1", "invalid_format"),
        (act("feature", json!(["DELHI"])), "/ids/0", "invalid_format"),
    ] {
        let faults = admin.post(&bulk, body.clone()).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{body}");
    }
    for (action, featured) in [("feature", true), ("unfeature", false)] {
        let done = admin.post(&bulk, act(action, json!(["DEL"]))).await.expect(200);
        assert_eq!(done["succeeded"], 1);
        let shown = admin.get(&format!("{STATIONS}/DEL")).await.expect(200);
        assert_eq!(shown["is_featured"], featured);
    }
}
