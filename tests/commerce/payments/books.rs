//! The books within transactions: one open payment for each hold, payments that move, and faults that the audit finds.
use loadmaster_kernel::{BookingId, OrganizationId};
use loadmaster_payments::{
    NewPayment, Payment, insert_in_tx, lock_of_bookings_in_tx, move_in_tx, of_holds_in_tx, of_request_in_tx,
};
use loadmaster_platform::postgres::commit;
use loadmaster_testkit::{
    World, breaches,
    payments::{usd, with_test},
};
use uuid::Uuid;

use super::Shop;

#[tokio::test]
async fn a_hold_has_one_open_payment_and_any_number_that_failed() {
    let shop = Shop::open(with_test()).await;
    let hold = Uuid::now_v7().into();
    let open = async |token: Option<&str>| {
        let new = NewPayment { hold_id: Some(hold), ..shop.new_payment(usd(100)) };
        let operation = Uuid::now_v7().into();
        let opened = Payment::opened(new, "test", operation, shop.world.now());
        let mut tx = shop.world.db.begin().await.unwrap();
        let inserted = insert_in_tx(&mut tx, &[opened]).await;
        if inserted.is_ok() {
            commit(tx).await.unwrap();
        }
        if let Some(token) = token {
            shop.payments().at_once(operation, Some(token.into())).within(loadmaster_testkit::payments::SOON).await;
        }
        inserted
    };
    open(Some("tok_declined")).await.unwrap();
    open(Some("tok_declined")).await.unwrap();
    open(None).await.unwrap();
    let refused = open(None).await.unwrap_err();
    assert_eq!(refused.constraint(), Some("payments_open_by_hold"));
    let mut tx = shop.world.db.begin().await.unwrap();
    let all = of_holds_in_tx(&mut tx, &[hold]).await.unwrap();
    assert_eq!(all.iter().map(|(payment, _)| payment.is_open()).collect::<Vec<_>>(), [false, false, true]);
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_payment_is_found_by_its_request_and_moves_with_its_booking() {
    let shop = Shop::open(with_test()).await;
    let booking = BookingId::from(Uuid::now_v7());
    let new = NewPayment {
        booking: Some((booking, "ACB123456789".parse().unwrap())),
        request_hash: Some([9; 32]),
        ..shop.new_payment(usd(100))
    };
    let to = OrganizationId::from(Uuid::new_v4());
    let mut tx = shop.world.db.begin().await.unwrap();
    insert_in_tx(&mut tx, &[Payment::opened(new, "test", Uuid::now_v7().into(), shop.world.now())]).await.unwrap();
    move_in_tx(&mut tx, booking, to, shop.world.now()).await.unwrap();
    let found = lock_of_bookings_in_tx(&mut tx, &[booking]).await.unwrap();
    assert_eq!((found.len(), found[0].0.organization_id, found[0].0.version), (1, to, 2));
    let joined = of_request_in_tx(&mut tx, &[9; 32]).await.unwrap().expect("the same request");
    assert_eq!(joined.0.id, found[0].0.id);
    assert!(of_request_in_tx(&mut tx, &[8; 32]).await.unwrap().is_none());
    commit(tx).await.unwrap();
}

/// The numbers of the rules that are broken.
async fn broken(world: &World) -> Vec<u8> {
    breaches(&world.database, loadmaster::app::AuditOptions::default())
        .await
        .iter()
        .filter_map(|check| check.rule.number)
        .collect()
}

#[tokio::test]
async fn books_that_do_not_follow_from_their_entries_are_found() {
    let shop = Shop::open(with_test()).await.with_till();
    let payment = shop.pay("tok_ok").await;
    shop.until_status(payment, "CAPTURED").await;
    let admin = shop.world.admin().await;
    let credit = format!("/api/v1/organizations/{}/credit", shop.organization);
    let limit = serde_json::json!({"limit": {"amount": "5", "currency": "USD"}});
    admin.patch(&credit, limit).await.expect(200);
    shop.world.audit().await;
    let capture = format!("payment_id = '{payment}' and kind = 'CAPTURE'");
    for (spoil, mend, rules) in [
        ("update payments set captured = 9999".to_owned(), "update payments set captured = 10000".to_owned(), vec![14]),
        (
            "update payments set status = 'VOIDED', captured = 0".to_owned(),
            "update payments set status = 'CAPTURED', captured = 10000".to_owned(),
            vec![14],
        ),
        (
            format!("update payment_operations set amount = 1 where {capture}"),
            format!("update payment_operations set amount = 10000 where {capture}"),
            vec![14],
        ),
        (
            format!("update payment_operations set sequence = 3 where {capture}"),
            format!("update payment_operations set sequence = 2 where {capture}"),
            vec![14],
        ),
        (
            "update test_operations set amount = 1 where kind = 'CAPTURE'".to_owned(),
            "update test_operations set amount = 10000 where kind = 'CAPTURE'".to_owned(),
            vec![14],
        ),
        (
            "insert into test_operations (operation_id, reference, kind, currency, amount, outcome, acted_at)
             select gen_random_uuid(), reference, 'CAPTURE', 'USD', 7, 'SUCCEEDED', now() from test_payments"
                .to_owned(),
            "delete from test_operations where amount = 7".to_owned(),
            vec![14],
        ),
        ("update credit_accounts set used = 1".to_owned(), "update credit_accounts set used = 0".to_owned(), vec![15]),
        (
            "alter table credit_entries disable trigger user; update credit_entries set credit_limit = 1".to_owned(),
            "update credit_entries set credit_limit = 500".to_owned(),
            vec![15],
        ),
    ] {
        shop.world.sql(&spoil).await;
        assert_eq!(broken(&shop.world).await, rules, "{spoil}");
        shop.world.sql(&mend).await;
    }
    shop.world.audit().await;
}
