//! The audit looks at money: each way in which too much is kept, or credit was charged for nothing, is seen found.
use loadmaster::app::AuditOptions;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    TestDatabase,
    billing::{Market, usd},
    breaches,
    freight::path_of,
};
use serde_json::json;
use sqlx::Executor;
use uuid::Uuid;

/// What the audit finds after this was done behind the product's back: numbers of rules and faults.
async fn found(books: &TestDatabase, spoil: &str) -> Vec<(u8, String)> {
    let spoiled = books.copy().await;
    let mut owner = spoiled.owner().await;
    owner.execute("set session_replication_role = replica").await.unwrap();
    owner.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(spoil.to_owned()))).await.unwrap();
    let checks = breaches(&spoiled, AuditOptions::default()).await;
    let shown = checks.into_iter().flat_map(|check| {
        let number = check.rule.number.unwrap_or_default();
        check.findings.unwrap().shown.into_iter().map(move |breach| (number, breach.to_string()))
    });
    shown.collect()
}

/// The rows of refunds, in all books but the events.
const NO_REFUNDS: &str = "
    update payments p set refunded = 0, operations = operations - (
        select count(*) from payment_operations o where o.payment_id = p.id and kind = 'REFUND');
    delete from payment_operations where kind = 'REFUND';
    delete from test_operations where kind = 'REFUND';
    update bookings set bill = jsonb_set(bill, '{refunded}', '0') where bill is not null;";

#[tokio::test]
async fn more_kept_of_an_ended_booking_than_its_fee_is_found_by_its_events() {
    let mut market = Market::open().await;
    let booking = market.paid().await;
    market.wait_hours(60);
    market.customer.poke(&format!("{}/cancel", path_of(&booking))).await.expect(200);
    market.customer.refunded(&booking, "675.00").await;
    market.audit().await;
    let books = market.world.database.clone();
    market.world.shutdown().await;
    assert_eq!(found(&books, "select 1").await, []);
    // Also with a bill, and later events, that agree with what is kept.
    let told =
        "update booking_events set data = jsonb_set(jsonb_set(data, '{bill,refunded}', '0'), '{bill,fee}', '90000')
                where event_type = 'PAYMENT_CHANGED' and data ? 'bill';
                update bookings set bill = jsonb_set(bill, '{fee}', '90000');";
    for spoil in [NO_REFUNDS.to_owned(), format!("{NO_REFUNDS}{told}")] {
        let found = found(&books, &spoil).await;
        let fault = "90000 is kept, and its events allow 22500";
        assert!(found.iter().any(|(rule, shown)| *rule == 14 && shown.contains(fault)), "{spoil}: {found:?}");
    }
    // A refund that is still under way is none too few.
    let open = "update payments set refunded = 0; update test_operations set outcome = 'PENDING' where kind = 'REFUND';
                update payment_operations set status = 'OPEN', next_attempt_at = now() where kind = 'REFUND';
                update bookings set bill = jsonb_set(bill, '{refunded}', '0');
                update booking_events set data = jsonb_set(data, '{bill,refunded}', '0') where data ? 'bill';";
    assert_eq!(found(&books, open).await, []);
    let other = "update bookings set bill = jsonb_set(bill, '{fee}', '0')";
    let other = found(&books, other).await;
    assert!(other.iter().any(|(rule, fault)| *rule == 14 && fault.contains("its events record")), "{other:?}");
}

#[tokio::test]
async fn charges_of_credit_without_their_payments_and_the_other_way_round_are_found() {
    let mut market = Market::open().await;
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let client = market.world.caller_in(Role::Customer, user, organization).await;
    let credit = format!("/api/v1/organizations/{organization}/credit");
    market.admin.patch(&credit, json!({"limit": usd("5000.00")})).await.expect(200);
    let hold = client.hold(market.wanted()).await;
    let booking = client.commit(&hold, json!({"payment_method": "ACCOUNT"})).await;
    market.wait_hours(60);
    market.admin.poke(&format!("{}/cancel", path_of(&booking))).await.expect(200);
    assert_eq!(market.admin.get(&credit).await.expect(200)["used"], usd("225.00"));
    market.audit().await;
    let books = market.world.database.clone();
    market.world.shutdown().await;
    for (spoil, fault) in [
        (
            "insert into credit_entries (organization_id, seq, kind, amount, used, credit_limit, payment_id, created_at)
             select organization_id, entries + 1, 'CHARGE', 100, used + 100, credit_limit, gen_random_uuid(), now()
             from credit_accounts;
             update credit_accounts set used = used + 100, entries = entries + 1",
            "0 captured and 0 refunded; the entries charge 100 and return 0",
        ),
        (
            "insert into credit_entries (organization_id, seq, kind, amount, used, credit_limit, payment_id, created_at)
             select a.organization_id, entries + 1, 'CHARGE', 90000, used + 90000, credit_limit, p.id, now()
             from credit_accounts a, payments p;
             update credit_accounts set used = used + 90000, entries = entries + 1",
            "the entries charge 180000 and return 67500",
        ),
        (
            "delete from credit_entries where kind = 'REFUND'; update credit_accounts set used = 90000, entries = 2",
            "90000 captured and 67500 refunded; the entries charge 90000 and return 0",
        ),
        (
            "update payments set organization_id = gen_random_uuid()",
            "90000 captured and 67500 refunded; the entries charge 0 and return 0",
        ),
    ] {
        let found = found(&books, spoil).await;
        assert!(found.iter().any(|(rule, shown)| *rule == 15 && shown.contains(fault)), "{spoil}: {found:?}");
    }
}
