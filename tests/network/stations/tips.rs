//! Tips: who writes, decides about, reads and reports them.
use loadmaster_privacy::PrivacyService;
use loadmaster_testkit::{
    Client, World,
    freight::{text, texts, with},
    jobs::run_again,
    notifications::Person,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::path;

const TIPS: &str = "/api/v1/tips";

fn tip(members: Value) -> Value {
    with(json!({"topic": "TRAFFIC", "text": "Use gate 2 on Fridays."}), members)
}

fn of(code: &str) -> String {
    format!("{}/tips", path(code))
}

async fn written(author: &Client) -> String {
    let accepted = author.post(&of("DEL"), tip(json!({}))).await.expect(202);
    text(&accepted, "id").to_owned()
}

async fn decide(staff: &Client, id: &str, decision: &str) -> Value {
    staff.post(&format!("{TIPS}/{id}/{decision}"), json!({})).await.expect(200)
}

/// The ids of the tips that anyone reads.
async fn shown(world: &World) -> Vec<String> {
    texts(&world.anonymous().get(&of("DEL")).await.expect(200), "id")
}

#[tokio::test]
async fn a_tip_is_read_by_anyone_once_staff_approved_it_and_without_its_author() {
    let world = World::start().await;
    let (author, operator, anyone) = (world.customer().await, world.operator().await, world.anonymous());
    let full = tip(json!({"link": "https://www.example.com/gate?n=2", "topic": "customs"}));
    let accepted = author.post(&of("del"), full).await.expect(202);
    assert_eq!(accepted, json!({"id": accepted["id"], "status": "PENDING"}));
    let id = text(&accepted, "id").to_owned();
    assert_eq!(shown(&world).await, [""; 0]);
    let pending = operator.get(&format!("{TIPS}?status=PENDING&station=DEL")).await.expect(200);
    assert_eq!((&pending[0]["id"], &pending[0]["version"]), (&accepted["id"], &json!(1)));
    assert_eq!(operator.get(&format!("{TIPS}?status=APPROVED")).await.expect(200), json!([]));
    assert_eq!(operator.get(&format!("{TIPS}?station=BOM")).await.expect(200), json!([]));
    let reason = json!({"reason": "Checked on site"});
    let approve = format!("{TIPS}/{id}/approve");
    operator.change_if(Method::POST, &approve, "\"7\"", reason.clone()).await.expect_problem(412, "version_mismatch");
    let approved = operator.change_if(Method::POST, &approve, "\"1\"", reason).await.expect(200);
    assert_eq!((&approved["status"], &approved["reason"]), (&json!("APPROVED"), &json!("Checked on site")));
    assert!(approved["moderated_by"].is_string() && approved["moderated_at"].is_string());
    assert_eq!(operator.get(&format!("{TIPS}?status=APPROVED")).await.expect(200), json!([approved]));
    let public = anyone.get(&of("DEL")).await.expect(200);
    let expected = json!([{"id": id, "topic": "CUSTOMS", "text": "Use gate 2 on Fridays.",
                           "link": "https://www.example.com/gate?n=2", "created_at": "2026-11-20T08:00:00Z"}]);
    assert_eq!(public, expected);
    assert_eq!(anyone.get(&of("BOM")).await.expect(200), json!([]));
    anyone.get(&of("QQQ")).await.expect_problem(404, "not_found");
    author.post(&of("QQQ"), json!({})).await.expect_problem(404, "not_found");
    let problem = operator.post(&approve, json!({})).await.expect_problem(409, "invalid_transition");
    assert_eq!((&problem["from"], &problem["allowed"]), (&json!("APPROVED"), &json!(["reject"])));
    assert_eq!(decide(&operator, &id, "reject").await["status"], "REJECTED");
    assert_eq!(shown(&world).await, [""; 0]);
    decide(&operator, &id, "approve").await;
    assert_eq!(shown(&world).await, [id]);
    let acts = world
        .texts(
            "select act || (data::text like '%gate 2%') from admin_acts
                  where subject_kind = 'station_tip' order by id",
        )
        .await;
    let expected = ["station_tip.approvedfalse", "station_tip.rejectedfalse", "station_tip.approvedfalse"];
    assert_eq!(acts, expected, "without the texts");
}

#[tokio::test]
async fn an_author_decides_about_no_tip_of_its_own() {
    let world = World::start().await;
    let (author, other) = (world.operator().await, world.admin().await);
    let id = written(&author).await;
    for decision in ["approve", "reject"] {
        let path = format!("{TIPS}/{id}/{decision}");
        author.post(&path, json!({})).await.expect_problem(403, "forbidden");
    }
    let bulk = json!({"action": "approve", "ids": [id, "01890000-0000-7000-8000-000000000000"]});
    let refused = author.post(&format!("{TIPS}/bulk"), bulk.clone()).await.expect(200);
    let codes: Vec<_> = (0..2).map(|row| refused["results"][row]["problem"]["code"].clone()).collect();
    assert_eq!(json!(codes), json!(["forbidden", "not_found"]));
    assert_eq!(shown(&world).await, [""; 0]);
    assert_eq!(other.post(&format!("{TIPS}/bulk"), bulk).await.expect(200)["succeeded"], 1);
    assert_eq!(shown(&world).await, [id]);
}

#[tokio::test]
async fn the_third_reader_who_reports_a_tip_hides_it_until_staff_decides_again() {
    let world = World::start().await;
    let (author, operator) = (world.customer().await, world.operator().await);
    let id = written(&author).await;
    let report = format!("{TIPS}/{id}/report");
    let readers = [world.customer().await, world.customer().await, world.customer().await, world.customer().await];
    readers[0].post(&report, json!({})).await.expect_problem(404, "not_found");
    decide(&operator, &id, "approve").await;
    world.anonymous().post(&report, json!({})).await.expect_problem(401, "unauthenticated");
    for _ in 0..3 {
        readers[0].poke(&report).await.expect(204);
    }
    readers[1].poke(&report).await.expect(204);
    assert_eq!(shown(&world).await, std::slice::from_ref(&id), "two readers have reported it");
    readers[2].poke(&report).await.expect(204);
    assert_eq!(shown(&world).await, [""; 0]);
    readers[2].poke(&report).await.expect(204);
    readers[3].poke(&report).await.expect_problem(404, "not_found");
    let listed = operator.get(&format!("{TIPS}?status=PENDING")).await.expect(200);
    assert_eq!((&listed[0]["id"], &listed[0]["reports"]), (&json!(id), &json!(3)));
    assert_eq!(decide(&operator, &id, "approve").await["reports"], 0);
    for reader in &readers[..3] {
        reader.poke(&report).await.expect(204);
    }
    assert_eq!(shown(&world).await, [id], "each reader reports a tip once");
}

#[tokio::test]
async fn an_author_who_reports_the_own_tip_is_refused_and_not_counted() {
    let world = World::start().await;
    let (author, operator) = (world.customer().await, world.operator().await);
    let id = written(&author).await;
    let report = format!("{TIPS}/{id}/report");
    author.poke(&report).await.expect_problem(404, "not_found");
    decide(&operator, &id, "approve").await;
    author.poke(&report).await.expect_problem(403, "forbidden");
    assert_eq!(world.count("station_tip_reports").await, 0);
    for reader in [world.customer().await, world.customer().await] {
        reader.poke(&report).await.expect(204);
    }
    author.poke(&report).await.expect_problem(403, "forbidden");
    assert_eq!(shown(&world).await, [id], "two readers have reported it");
}

#[tokio::test]
async fn each_fault_of_a_tip_names_its_member() {
    let world = World::start().await;
    let customer = world.customer().await;
    for (members, pointer, code) in [
        (json!({"topic": "GOSSIP"}), "/topic", "unknown_value"),
        (json!({"topic": null}), "/topic", "required"),
        (json!({"text": "t".repeat(501)}), "/text", "too_long"),
        (json!({"text": "a\u{7}b"}), "/text", "invalid_format"),
        (json!({"text": "See https://a.example and https://b.example"}), "/text", "invalid_format"),
        (json!({"link": "https://a.example https://b.example"}), "/link", "invalid_format"),
        (json!({"link": "http://a.example"}), "/link", "invalid_format"),
        (json!({"link": "javascript:alert(1)"}), "/link", "invalid_format"),
        (json!({"link": "https://10.0.0.1/"}), "/link", "invalid_format"),
        (json!({"link": ["https://a.example"]}), "/link", "wrong_type"),
        (json!({"link": format!("https://a.example/{}", "x".repeat(500))}), "/link", "too_long"),
        (json!({"status": "APPROVED"}), "/status", "unknown_field"),
    ] {
        let faults = customer.post(&of("DEL"), tip(members.clone())).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{members}");
    }
    assert_eq!(world.count("station_tips").await, 0);
    let guest = world.caller(loadmaster_accounts::Role::Guest).await;
    guest.post(&of("DEL"), tip(json!({}))).await.expect_problem(403, "forbidden");
    let faults = world.operator().await.get(&format!("{TIPS}?status=OPEN&station=QQQ")).await.expect_faults();
    let unknown = |name: &str| (name.to_owned(), "unknown_value".to_owned());
    assert_eq!(faults, [unknown("station"), unknown("status")]);
}

#[tokio::test]
async fn ten_tips_of_a_user_wait_for_a_decision_and_no_more() {
    let world = World::start().await;
    let (author, other, operator) = (world.customer().await, world.customer().await, world.operator().await);
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(written(&author).await);
    }
    let problem = author.post(&of("BOM"), tip(json!({}))).await.expect_problem(409, "limit_reached");
    assert_eq!((&problem["what"], &problem["limit"]), (&json!("tips"), &json!(10)));
    written(&other).await;
    decide(&operator, &ids[0], "reject").await;
    written(&author).await;
    let first = operator.get(&format!("{TIPS}?limit=2")).await;
    let next = first.header("link").unwrap().trim_start_matches('<').split('>').next().unwrap().to_owned();
    let (first, second) = (first.expect(200), operator.get(&next).await.expect(200));
    assert!(texts(&first, "id").last() > texts(&second, "id").first(), "newest first");
}

#[tokio::test]
async fn a_repeated_request_writes_one_tip() {
    let world = World::start().await;
    let author = world.customer().await;
    let first = author.post_under("one", &of("DEL"), &tip(json!({}))).await.expect(202);
    let again = author.post_under("one", &of("DEL"), &tip(json!({}))).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(202), first);
    author
        .post_under("one", &of("DEL"), &tip(json!({"text": "Other"})))
        .await
        .expect_problem(422, "idempotency_key_reused");
    assert_eq!(world.count("station_tips").await, 1);
}

#[tokio::test]
async fn tips_are_shown_and_kept_for_24_months() {
    let world = World::working().await;
    let (author, operator) = (world.customer().await, world.operator().await);
    let (old, young) = (written(&author).await, written(&author).await);
    for id in [&old, &young] {
        decide(&operator, id, "approve").await;
    }
    let age = "update station_tips set created_at = created_at - interval '24 months' where id = ";
    world.sql(&format!("{age} '{old}'")).await;
    assert_eq!(shown(&world).await, std::slice::from_ref(&young));
    run_again(&world, "old_tips").await;
    assert_eq!(world.texts("select id::text from station_tips").await, [young]);
}

#[tokio::test]
async fn what_a_person_wrote_and_reported_is_exported_and_goes_with_the_person() {
    let world = World::start().await;
    let (person, other, operator) = (Person::new(&world).await, world.customer().await, world.operator().await);
    let (own, foreign) = (written(&person.client).await, written(&other).await);
    decide(&operator, &foreign, "approve").await;
    person.client.poke(&format!("{TIPS}/{foreign}/report")).await.expect(204);
    let privacy: PrivacyService = world.state().service().unwrap();
    let export = privacy.export(person.id.into()).await.unwrap();
    assert_eq!(export["station_tips"][0]["id"], json!(own), "{export}");
    assert_eq!(export["station_tip_reports"][0]["tip_id"], json!(foreign), "{export}");
    privacy.erase(person.id.into()).await.unwrap();
    assert_eq!(world.texts("select id::text from station_tips").await, [foreign]);
    assert_eq!(world.count("station_tip_reports").await, 0);
    world.audit().await;
}
