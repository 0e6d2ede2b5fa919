use futures_util::future::join_all;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, Watch, WorldOptions,
    billing::{Market, usd},
    freight::{path_of, text, with},
    holds::at,
    pricing::{SALES, sale},
};
use serde_json::{Value, json};
use sqlx::Executor;
use uuid::Uuid;

struct Forwarder {
    client: Client,
    credit: String,
    user: Uuid,
    organization: Uuid,
}

async fn forwarder(market: &Market, limit: &str) -> Forwarder {
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let client = market.world.caller_in(Role::Customer, user, organization).await;
    let credit = format!("/api/v1/organizations/{organization}/credit");
    market.admin.patch(&credit, json!({"limit": usd(limit)})).await.expect(200);
    Forwarder { client, credit, user, organization }
}

fn by_account() -> Value {
    json!({"payment_method": "ACCOUNT"})
}

#[tokio::test]
async fn twenty_charges_at_once_on_an_account_with_credit_for_ten_are_ten() {
    let market = Market::open().await;
    let Forwarder { client, credit, .. } = forwarder(&market, "9000.00").await;
    let mut holds = Vec::new();
    for _ in 0..20 {
        holds.push(client.hold(market.wanted()).await);
    }
    let commit = async |hold: &Value| client.post(&format!("{}/commit", at(hold)), by_account()).await;
    let answers = join_all(holds.iter().map(commit)).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 10);
    for answer in refused {
        assert_eq!(answer.expect_problem(409, "credit_exceeded")["available"], usd("0.00"));
    }
    for answer in made {
        let booking = answer.expect(201);
        assert_eq!((text(&booking, "payment_status"), &booking["paid"]), ("COMPLETED", &usd("900.00")));
    }
    let account = client.get(&credit).await.expect(200);
    assert_eq!((&account["used"], &account["available"]), (&usd("9000.00"), &usd("0.00")));
    assert_eq!(market.journal().await, [], "no provider is asked");
    market.audit().await;
}

#[tokio::test]
async fn a_cancellation_lowers_what_is_used() {
    let mut market = Market::open().await;
    let Forwarder { client, credit, user, organization } = forwarder(&market, "1000.00").await;
    let hold = client.hold(market.wanted()).await;
    let booking = client.commit(&hold, by_account()).await;
    market.wait_hours(60);
    let client = market.world.anonymous().with_token(&market.world.token(Role::Customer, user, organization));
    let cancelled = client.poke(&format!("{}/cancel", path_of(&booking))).await.expect(200);
    assert_eq!((&cancelled["refunded"], &cancelled["cancellation_fee"]), (&usd("675.00"), &usd("225.00")));
    assert_eq!(client.get(&credit).await.expect(200)["used"], usd("225.00"));
    market.audit().await;
}

#[tokio::test]
async fn a_booking_can_be_paid_from_the_account_later() {
    let market = Market::open().await;
    let Forwarder { client, .. } = forwarder(&market, "1000.00").await;
    let hold = client.hold(market.wanted()).await;
    let booking = client.commit(&hold, json!({})).await;
    let path = format!("{}/payments", path_of(&booking));
    let paid = client.post(&path, by_account()).await.expect(201);
    assert_eq!((text(&paid, "method"), text(&paid, "status")), ("ACCOUNT", "CAPTURED"));
    assert_eq!(text(&client.booked(&booking).await, "payment_status"), "COMPLETED");
    market.audit().await;
}

/// The refusal names the organization of the booking, also to staff, who belong to another one.
fn expect_no_account(answer: Answer, organization: Uuid) {
    let refused = answer.expect_problem(409, "payment_not_possible");
    assert_eq!(text(&refused, "reason"), "no_credit");
    assert_eq!(text(&refused, "detail"), format!("Organization {organization} has no credit account."));
}

#[tokio::test]
async fn an_organization_without_credit_or_in_another_currency_cannot_charge() {
    let market = Market::open().await;
    let (poor, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let client = market.world.caller_in(Role::Customer, Uuid::new_v4(), poor).await;
    let hold = client.hold(market.wanted()).await;
    let refused = client.post(&format!("{}/commit", at(&hold)), by_account()).await;
    expect_no_account(refused, poor);
    let booking = client.commit(&hold, json!({})).await;
    let path = format!("{}/payments", path_of(&booking));
    expect_no_account(client.post(&path, by_account()).await, poor);
    expect_no_account(market.admin.post(&path, by_account()).await, poor);
    let client = market.world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    let credit = format!("/api/v1/organizations/{organization}/credit");
    let limit = json!({"limit": {"amount": "1000.00", "currency": "EUR"}});
    market.admin.patch(&credit, limit).await.expect(200);
    let hold = client.hold(market.wanted()).await;
    let refused = client.post(&format!("{}/commit", at(&hold)), by_account()).await;
    refused.expect_problem(409, "payment_not_possible");
    assert_eq!(text(&client.held(&hold).await, "status"), "ACTIVE");
    market.audit().await;
}

/// Whoever locks both locks sales first.
#[tokio::test]
async fn a_cancelled_flight_locks_accounts_after_the_sales_of_its_holds() {
    let mut market = Market::with(WorldOptions::patient()).await;
    market.admin.post(SALES, sale(json!({"code": "SPRING", "max_uses": 2}))).await.expect(201);
    let Forwarder { client, credit, user, organization } = forwarder(&market, "1000.00").await;
    let hold = client.hold(market.wanted()).await;
    let booking = client.commit(&hold, by_account()).await;
    market.wait_hours(60);
    let client = market.world.anonymous().with_token(&market.world.token(Role::Customer, user, organization));
    client.patch(&path_of(&booking), json!({"weight_kg": 0.1})).await.expect(200);
    assert_eq!(client.get(&credit).await.expect(200)["used"], usd("225.00"));
    client.hold(with(market.wanted(), json!({"discount_code": "SPRING"}))).await;
    let mut owner = market.world.database.owner().await;
    owner.execute("begin").await.unwrap();
    owner.execute("select from sale_counters for update").await.unwrap();
    let cancel = {
        let (admin, path) = (market.admin.clone(), format!("/api/v1/flights/{}/cancel", text(&market.flight, "id")));
        tokio::spawn(async move { admin.poke(&path).await })
    };
    Watch::over(&market.world.database).await.until_waiting(1).await;
    let account = owner.execute("select from credit_accounts for update nowait").await;
    account.expect("the account is free until the sale is locked");
    owner.execute("commit").await.unwrap();
    cancel.await.unwrap().expect(200);
    // 75.00 are the price of what is to be carried.
    assert_eq!(client.get(&credit).await.expect(200)["used"], usd("75.00"));
    market.audit().await;
}
