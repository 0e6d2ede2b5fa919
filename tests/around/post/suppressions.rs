use loadmaster_testkit::{
    Answer, Client, SmtpFault, SmtpServer, SmtpStep, World,
    freight::{order, two_flights, with},
    notifications::{Person, confirm_path, contact, heard},
    until,
};
use serde_json::json;

use super::{mailing, register, rows, settled, taken};

const PATH: &str = "/api/v1/admin/suppressions";

async fn allow(client: &Client, email: &str) -> Answer {
    Answer::of(client.request(reqwest::Method::DELETE, PATH).json(&json!({ "email": email }))).await
}

#[tokio::test]
async fn an_operator_ends_and_allows_messages_to_an_address() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let operator = world.operator().await;
    operator.post(PATH, json!({"email": "Ann@Example.org"})).await.expect(204);
    operator.post(PATH, json!({"email": "ann@example.org"})).await.expect(204);
    let ann = register(&world, "ann@example.org").await;
    let row = settled(&world, "SUPPRESSED", 1).await;
    assert_eq!(row.reason.as_deref(), Some("address_suppressed"));
    allow(&operator, "ann@EXAMPLE.org").await.expect(204);
    allow(&operator, "ann@example.org").await.expect_problem(404, "not_found");
    ann.post("/api/v1/auth/email/verification", json!({})).await.expect(202);
    taken(&relay, 1).await;
    assert_eq!(rows(&world).await.len(), 2);
    let acts = world.admin().await.get("/api/v1/admin/audit").await.expect(200);
    let names: Vec<&str> = acts.as_array().unwrap().iter().map(|act| act["act"].as_str().unwrap()).collect();
    assert_eq!(names, ["suppression.deleted", "suppression.created"]);
    assert!(!acts.to_string().contains("example.org"), "the record names no address: {acts}");
}

#[tokio::test]
async fn an_address_is_suppressed_in_both_spellings_of_its_domain() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let operator = world.operator().await;
    operator.post(PATH, json!({"email": "ann@xn--bcher-kva.example"})).await.expect(204);
    register(&world, "ann@bücher.example").await;
    let row = settled(&world, "SUPPRESSED", 1).await;
    assert_eq!(row.reason.as_deref(), Some("address_suppressed"));
    allow(&operator, "Ann@Bücher.example").await.expect(204);
    allow(&operator, "ann@xn--bcher-kva.example").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn what_is_no_address_is_refused() {
    let world = World::start().await;
    let operator = world.operator().await;
    for email in ["", "ann", "ann@example.org\nBcc: eve@example.org"] {
        let faults = operator.post(PATH, json!({ "email": email })).await.expect_faults();
        assert_eq!(faults[0].0, "/email");
    }
}

/// The owner of an address answers a question with "never again".
async fn decline(world: &World, email: &str) {
    let [flight, _] = two_flights(world).await;
    let shipper = Person::new(world).await;
    shipper.client.book(with(order(&[&flight]), json!({"contacts": [contact(email)]}))).await;
    heard(world).await;
    answer_never(world, email).await;
}

async fn answer_never(world: &World, email: &str) {
    let link = confirm_path(world, email).await;
    assert_eq!(world.anonymous().post(&link, json!({"answer": "never"})).await.status, 200);
}

/// Waits for the last letter of a type; its status and reason.
async fn last(world: &World, kind: &str, count: usize) -> String {
    let query = format!(
        "select status || ' ' || coalesce(reason, '') from notifications
         where type = '{kind}' and status <> 'WAITING' order by id desc"
    );
    until(&format!("{count} letters of {kind} are done with"), async || world.texts(&query).await.len() == count).await;
    world.texts(&query).await.remove(0)
}

async fn forget(world: &World) {
    world.anonymous().post("/api/v1/auth/password/forgot", json!({"email": "ann@example.org"})).await.expect(202);
}

#[tokio::test]
async fn an_address_whose_owner_declined_gets_a_new_password_and_nothing_else() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let operator = world.operator().await;
    decline(&world, "ann@example.org").await;
    // Anybody can register with it.
    let ann = register(&world, "ann@example.org").await;
    assert_eq!(last(&world, "verify_email", 1).await, "SUPPRESSED address_suppressed");
    allow(&operator, "ann@example.org").await.expect_problem(404, "not_found");
    forget(&world).await;
    assert_eq!(last(&world, "reset_password", 1).await, "SENT ");
    ann.post("/api/v1/auth/email/verification", json!({})).await.expect(202);
    assert_eq!(last(&world, "verify_email", 2).await, "SUPPRESSED address_suppressed");
}

#[tokio::test]
async fn a_bounce_or_an_operator_ends_also_what_a_declined_address_still_gets() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let operator = world.operator().await;
    decline(&world, "ann@example.org").await;
    register(&world, "ann@example.org").await;
    relay.fail(SmtpStep::Rcpt, SmtpFault::Says("550 5.1.1 unknown"));
    forget(&world).await;
    assert_eq!(last(&world, "reset_password", 1).await, "FAILED SMTP 550 5.1.1 at RCPT");
    relay.heal();
    forget(&world).await;
    assert_eq!(last(&world, "reset_password", 2).await, "SUPPRESSED address_suppressed");
    allow(&operator, "ann@example.org").await.expect(204);
    forget(&world).await;
    assert_eq!(last(&world, "reset_password", 3).await, "SENT ");

    operator.post(PATH, json!({"email": "ann@example.org"})).await.expect(204);
    forget(&world).await;
    assert_eq!(last(&world, "reset_password", 4).await, "SUPPRESSED address_suppressed");
    allow(&operator, "ann@example.org").await.expect(204);
    allow(&operator, "ann@example.org").await.expect_problem(404, "not_found");
    assert_eq!(last(&world, "verify_email", 1).await, "SUPPRESSED address_suppressed");
}

#[tokio::test]
async fn an_address_that_was_suppressed_before_its_owner_declined_stays_declined() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let operator = world.operator().await;
    let [flight, _] = two_flights(&world).await;
    let shipper = Person::new(&world).await;
    shipper.client.book(with(order(&[&flight]), json!({"contacts": [contact("ann@example.org")]}))).await;
    heard(&world).await;
    operator.post(PATH, json!({"email": "ann@example.org"})).await.expect(204);
    answer_never(&world, "ann@example.org").await;
    allow(&operator, "ann@example.org").await.expect(204);
    register(&world, "ann@example.org").await;
    assert_eq!(last(&world, "verify_email", 1).await, "SUPPRESSED address_suppressed");
}
