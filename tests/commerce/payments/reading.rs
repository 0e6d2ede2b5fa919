//! Who sees payments, and what a person is told of them.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer,
    payments::{path_of, usd, with_test},
};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::Shop;

#[tokio::test]
async fn a_payment_is_its_organizations_and_the_carriers() {
    let shop = Shop::open(with_test()).await;
    let payment = shop.pay("tok_ok").await;
    let shown = shop.shown(payment).await;
    assert_eq!(shown["amount"], json!(usd(10_000)));
    for staff in [shop.world.operator().await, shop.world.admin().await] {
        assert_eq!(staff.get(&path_of(payment)).await.expect(200), shown);
    }
    for stranger in [shop.world.customer().await, shop.world.caller(Role::Guest).await] {
        stranger.get(&path_of(payment)).await.expect_problem(404, "not_found");
        stranger.get(&format!("{}?x=1", path_of(payment))).await.expect_problem(404, "not_found");
    }
    shop.payer.get(&format!("{}?x=1", path_of(payment))).await.expect_problem(400, "validation_failed");
    shop.payer.get(&path_of(Uuid::now_v7().into())).await.expect_problem(404, "not_found");
    shop.world.anonymous().get(&path_of(payment)).await.expect_problem(401, "unauthenticated");
    let tag = Answer::of(shop.payer.request(Method::GET, &path_of(payment))).await;
    let tag = tag.header("etag").unwrap().to_owned();
    let known = shop.payer.request(Method::GET, &path_of(payment)).header("if-none-match", tag);
    assert_eq!(Answer::of(known).await.status, 304);
}

#[tokio::test]
async fn a_guest_sees_what_its_own_token_paid() {
    let world = with_test().start().await;
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let payer = world.anonymous().with_token(&world.token(Role::Guest, user, organization));
    let shop = Shop { world, payer, user, organization };
    let payment = shop.pay("tok_ok").await;
    assert_eq!(shop.status(payment).await, "AUTHORIZED");
}
