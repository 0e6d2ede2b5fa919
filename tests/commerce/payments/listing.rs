//! Lists of payments: whose, by status, by what is still to come and by booking, page by page.
use loadmaster_accounts::Role;
use loadmaster_kernel::PaymentId;
use loadmaster_payments::{NewPayment, OperationKind};
use loadmaster_testkit::{
    Answer, Client,
    freight::{text, texts},
    payments::{SOON, any_payment, pay, usd, with_test},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Shop;

const PAYMENTS: &str = "/api/v1/payments";
const REFERENCE: &str = "ACB123456789";

/// The ids in an answer.
#[track_caller]
fn ids(answer: Answer) -> Vec<String> {
    texts(&answer.expect(200), "id")
}

async fn filtered(client: &Client, query: &str) -> Vec<String> {
    ids(client.get(&format!("{PAYMENTS}?{query}")).await)
}

/// The only payment that a list shows.
async fn only(client: &Client, query: &str) -> Value {
    let list = client.get(&format!("{PAYMENTS}?{query}")).await.expect(200);
    assert_eq!(list.as_array().unwrap().len(), 1, "{query}");
    list[0].clone()
}

#[tokio::test]
async fn staff_lists_all_payments_and_others_their_organizations() {
    let shop = Shop::open(with_test()).await;
    let own = shop.pay("tok_ok").await.to_string();
    let foreign = any_payment(&shop.world, "tok_ok").await;
    let foreign = text(&foreign, "id");
    let (operator, stranger) = (shop.world.operator().await, shop.world.customer().await);
    for staff in [&operator, &shop.world.admin().await] {
        assert_eq!(filtered(staff, "").await, [foreign, &own]);
    }
    let colleague = shop.world.caller_in(Role::Customer, Uuid::new_v4(), shop.organization).await;
    for member in [&shop.payer, &colleague] {
        assert_eq!(filtered(member, "").await, [&*own]);
    }
    for other in [&stranger, &shop.world.caller(Role::Guest).await] {
        assert_eq!(filtered(other, "").await, [""; 0]);
    }
    shop.world.anonymous().get(PAYMENTS).await.expect_problem(401, "unauthenticated");

    let of = |organization: Uuid| format!("organization_id={organization}");
    assert_eq!(filtered(&operator, &of(shop.organization)).await, [&*own]);
    assert_eq!(filtered(&operator, &of(Uuid::new_v4())).await, [""; 0]);
    assert_eq!(filtered(&shop.payer, &of(shop.organization)).await, [&*own]);
    let faults = stranger.get(&format!("{PAYMENTS}?{}", of(shop.organization))).await.expect_faults();
    assert_eq!(faults, [("organization_id".to_owned(), "unknown_value".to_owned())]);
}

#[tokio::test]
async fn a_list_shows_each_payment_whole_with_its_organization() {
    let shop = Shop::open(with_test()).await;
    let payment = shop.pay("tok_declined").await;
    let answer = shop.payer.get(PAYMENTS).await;
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    let mut entry = answer.expect(200)[0].clone();
    let members = entry.as_object_mut().unwrap();
    assert_eq!(members.remove("organization_id"), Some(json!(shop.organization)));
    assert_eq!(members.remove("organization_name"), Some(json!("Test")));
    assert_eq!(members.remove("refund_due"), Some(json!(usd(0))));
    assert_eq!(entry, shop.shown(payment).await);
    // A guest's organization is kept only from the commit of its hold on.
    any_payment(&shop.world, "tok_ok").await;
    assert_eq!(only(&shop.world.operator().await, "status=AUTHORIZED").await["organization_name"], Value::Null);
}

#[tokio::test]
async fn each_filter_of_payments_chooses_and_together_they_narrow() {
    let shop = Shop::open(with_test()).await.with_till();
    let captured = [shop.pay("tok_ok").await, shop.pay("tok_ok").await];
    for payment in captured {
        shop.until_status(payment, "CAPTURED").await;
    }
    let declined = shop.pay("tok_declined").await;
    let waiting = shop.pay("tok_confirm").await;
    let booking = Some((Uuid::now_v7().into(), REFERENCE.parse().unwrap()));
    let booked = pay(&shop.world, NewPayment { booking, ..shop.new_payment(usd(500)) }, "tok_confirm").await;
    let refund = shop.promise_more(captured[0], OperationKind::Refund, 2_500).await;
    shop.promise_more(captured[1], OperationKind::Refund, 1_000).await;
    let unresolved =
        "update payment_operations set status = 'UNRESOLVED', next_attempt_at = null where kind = 'REFUND'";
    shop.world.sql(&format!("{unresolved} and payment_id = '{}'", captured[1])).await;

    let [older, newer] = captured;
    let cases: Vec<(String, Vec<PaymentId>)> = vec![
        ("status=CAPTURED".into(), vec![newer, older]),
        ("status=captured,%20FAILED".into(), vec![declined, newer, older]),
        ("status=REQUIRES_ACTION".into(), vec![booked, waiting]),
        ("status=VOIDED".into(), vec![]),
        ("due=OPEN".into(), vec![booked, waiting]),
        ("due=failed".into(), vec![declined]),
        ("due=REFUND".into(), vec![newer, older]),
        ("due=OPEN&status=FAILED".into(), vec![]),
        ("ref_id=acb123456789".into(), vec![booked]),
        ("ref_id=ACB000000001".into(), vec![]),
        (format!("ref_id={REFERENCE}&due=OPEN&organization_id={}", shop.organization), vec![booked]),
        (format!("ref_id={REFERENCE}&due=FAILED"), vec![]),
    ];
    let operator = shop.world.operator().await;
    for (query, expected) in cases {
        let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        for reader in [&shop.payer, &operator] {
            assert_eq!(filtered(reader, &query).await, expected, "{query}");
        }
        if !query.contains("organization_id") {
            assert_eq!(filtered(&shop.world.customer().await, &query).await.len(), 0, "{query}");
        }
    }

    let due = operator.get(&format!("{PAYMENTS}?due=REFUND")).await.expect(200);
    assert_eq!((&due[0]["refund_due"], &due[1]["refund_due"]), (&json!(usd(1_000)), &json!(usd(2_500))));
    assert!(shop.payments().at_once(refund, None).within(SOON).await);
    assert_eq!(filtered(&operator, "due=REFUND").await, [newer.to_string()]);
    let made = operator.get(&format!("{PAYMENTS}?status=CAPTURED")).await.expect(200);
    assert_eq!((&made[1]["refunded"], &made[1]["refund_due"]), (&json!(usd(2_500)), &json!(usd(0))));
}

#[tokio::test]
async fn a_filter_of_payments_that_makes_no_sense_is_a_fault() {
    let world = with_test().start().await;
    let operator = world.operator().await;
    for (query, name, code) in [
        ("status=OPEN", "status", "unknown_value"),
        ("status=", "status", "unknown_value"),
        ("status=FAILED,LOST", "status", "unknown_value"),
        ("status=FAILED,FAILED,FAILED,FAILED,FAILED,FAILED,FAILED,FAILED", "status", "too_long"),
        ("status=FAILED&status=VOIDED", "status", "invalid_format"),
        ("due=CAPTURED", "due", "unknown_value"),
        ("ref_id=7", "ref_id", "invalid_format"),
        ("organization_id=7", "organization_id", "invalid_format"),
        ("limit=0", "limit", "too_small"),
        ("colour=red", "colour", "unknown_field"),
    ] {
        let faults = operator.get(&format!("{PAYMENTS}?{query}")).await.expect_faults();
        assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{query}");
    }
    operator.get(&format!("{PAYMENTS}?cursor=x")).await.expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn a_cursor_leads_through_all_payments_of_its_reader_even_while_new_ones_come() {
    let shop = Shop::open(with_test()).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.insert(0, shop.promise(usd(100)).await.0.to_string());
    }
    let stranger = shop.world.customer().await;
    let mut path = format!("{PAYMENTS}?limit=2&due=OPEN");
    let mut seen = Vec::new();
    loop {
        let page = shop.payer.get(&path).await;
        let next = page.header("link").map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
        seen.extend(ids(page));
        shop.promise(usd(100)).await;
        let Some(next) = next else { break };
        stranger.get(&next).await.expect_problem(400, "invalid_cursor");
        path = next;
    }
    assert_eq!(seen, made);
    assert_eq!(filtered(&shop.payer, "limit=2&offset=6").await, made[3..]);
}

#[tokio::test]
async fn payments_are_sorted_by_creation() {
    let shop = Shop::open(with_test()).await;
    let mut made = Vec::new();
    for token in ["tok_ok", "tok_declined", "tok_ok"] {
        made.push(shop.pay(token).await.to_string());
    }
    assert_eq!(shop.payer.whole_list(&format!("{PAYMENTS}?sort=created_at"), "id").await, made);
    made.reverse();
    assert_eq!(shop.payer.whole_list(&format!("{PAYMENTS}?sort=-created_at"), "id").await, made);
    assert_eq!(shop.payer.whole_list(PAYMENTS, "id").await, made);
}
