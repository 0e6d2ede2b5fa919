//! To be told again is to read: who may not see a thing any more is not told of it.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, World,
    flight_verbs::path_to,
    freight::{order, path_of},
};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{ask, book, effects, fresh, poke, repeats};

/// One user, wherever he belongs and whatever he may do.
struct User(Uuid);

impl User {
    async fn moved(&self, world: &World, role: Role, organization: Uuid) -> Client {
        world
            .sql(&format!(
                "insert into organizations (id, name, created_at) values ('{organization}', 'Other', now())
                 on conflict do nothing;
                 update users set organization_id = '{organization}', role = '{}' where id = '{}'",
                role.as_str(),
                self.0
            ))
            .await;
        world.anonymous().with_token(&world.token(role, self.0, organization))
    }
}

#[tokio::test]
async fn a_repetition_after_leaving_the_organization_is_refused() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (user, home, away) = (User(Uuid::new_v4()), Uuid::new_v4(), Uuid::new_v4());
    let customer = world.caller_in(Role::Customer, user.0, home).await;
    let (wish, pieces) = (order(&[&flight]), json!({"pieces": 3}));
    let created = fresh(book(&customer, "k", &wish).await, 201);
    let path = path_of(&created.body);
    let cancel = format!("{path}/cancel");
    let amended = fresh(ask(&customer, "k", Method::PATCH, &path, Some(&pieces)).await, 200);
    let cancelled = fresh(poke(&customer, "k", &cancel).await, 200);
    let other = path_of(&customer.book(wish.clone()).await);
    let deleted = fresh(ask(&customer, "k", Method::DELETE, &other, None).await, 200);

    let before = effects(&world).await;
    let gone = user.moved(&world, Role::Customer, away).await;
    for answer in [
        book(&gone, "k", &wish).await,
        ask(&gone, "k", Method::PATCH, &path, Some(&pieces)).await,
        poke(&gone, "k", &cancel).await,
        ask(&gone, "k", Method::DELETE, &other, None).await,
    ] {
        assert_eq!((answer.header("idempotency-replayed"), answer.header("etag")), (None, None));
        assert!(!answer.text.contains(created.body["id"].as_str().unwrap()), "{}", answer.text);
        answer.expect_problem(404, "not_found");
    }
    assert_eq!(effects(&world).await, before);
    // Another key of his is good.
    fresh(book(&gone, "other", &wish).await, 201);

    let back = user.moved(&world, Role::Customer, home).await;
    repeats(&created, book(&back, "k", &wish).await);
    repeats(&amended, ask(&back, "k", Method::PATCH, &path, Some(&pieces)).await);
    repeats(&cancelled, poke(&back, "k", &cancel).await);
    repeats(&deleted, ask(&back, "k", Method::DELETE, &other, None).await);
    // Staff sees every organization's.
    let operator = user.moved(&world, Role::Operator, away).await;
    repeats(&created, book(&operator, "k", &wish).await);
    world.audit().await;
}

#[tokio::test]
async fn a_repetition_is_refused_when_the_role_no_longer_suffices() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (user, home) = (User(Uuid::new_v4()), Uuid::new_v4());
    let admin = world.caller_in(Role::Admin, user.0, home).await;
    let depart = format!("{}/depart", path_of(&admin.book(order(&[&flight])).await));
    let (flight_path, change) = (path_to(&flight), json!({"capacity": {"positions": 12}}));
    let departed = fresh(poke(&admin, "k", &depart).await, 200);
    let changed = fresh(ask(&admin, "k", Method::PATCH, &flight_path, Some(&change)).await, 200);

    let operator = user.moved(&world, Role::Operator, home).await;
    repeats(&departed, poke(&operator, "k", &depart).await);
    ask(&operator, "k", Method::PATCH, &flight_path, Some(&change)).await.expect_problem(403, "forbidden");
    let customer = user.moved(&world, Role::Customer, home).await;
    poke(&customer, "k", &depart).await.expect_problem(403, "forbidden");
    let admin = user.moved(&world, Role::Admin, home).await;
    repeats(&departed, poke(&admin, "k", &depart).await);
    repeats(&changed, ask(&admin, "k", Method::PATCH, &flight_path, Some(&change)).await);
}
