//! The letters of alerts.
use chrono::TimeDelta;
use loadmaster_testkit::{
    freight::text,
    letters::{directory, letter, writing},
    notifications::{PREFERENCES, Person},
    until,
};
use serde_json::json;

use super::{ALERTS, checked, fill, flight, shown, space};

#[tokio::test]
async fn a_letter_leads_to_the_search_and_one_click_ends_its_kind() {
    let files = directory();
    let world = writing(files.path()).await;
    let (flight, person, holder) = (flight(&world).await, Person::new(&world).await, world.customer().await);
    let booking = fill(&holder, &flight).await;
    let alert = person.client.post(ALERTS, space(600.0)).await.expect(201);
    holder.walk(&booking, &["cancel"]).await;
    checked(&world).await;
    // Letters wait for what else there is to say.
    world.clock.advance(TimeDelta::seconds(61));
    let letter = letter(&world, "space_alert", &format!("{}@example.com", person.id)).await;
    let body = text(&letter, "text");
    let current = &shown(&person.client, &alert).await["current"];
    let search = format!("/?origin=DEL&destination=LHR&date={}&weight=600.0", text(current, "departure_date"));
    assert!(body.contains(&search), "{body}");
    let begin = body.find("/unsubscribe/").unwrap_or_else(|| panic!("a link in {body}"));
    let link = body[begin..].split_whitespace().next().unwrap();
    let is_on = async || person.client.get(PREFERENCES).await.expect(200)["types"]["space_alert"]["email"].clone();
    assert_eq!(is_on().await, true);
    let anyone = world.anonymous();
    let one_click = anyone.post_raw(link, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click").await;
    assert_eq!(one_click.status, 200);
    assert_eq!(is_on().await, false);
    let price = person.client.get(PREFERENCES).await.expect(200)["types"]["price_alert"]["email"].clone();
    assert_eq!(price, json!(true), "the other kind is not ended");
}

#[tokio::test]
async fn a_letter_about_an_alert_that_is_not_true_any_more_is_not_sent() {
    let files = directory();
    let world = writing(files.path()).await;
    // It becomes false again in the transaction that says that it is true: before any letter can be sent.
    world
        .sql(
            "create function false_again() returns trigger language plpgsql security definer as $$
             begin update alerts set is_met = false where id = new.aggregate_id; return null; end $$",
        )
        .await;
    world
        .sql(
            "create trigger false_again after insert on outbox for each row when (new.aggregate = 'alert')
             execute function false_again()",
        )
        .await;
    let (flight, person, holder) = (flight(&world).await, Person::new(&world).await, world.customer().await);
    let booking = fill(&holder, &flight).await;
    person.client.post(ALERTS, space(600.0)).await.expect(201);
    holder.walk(&booking, &["cancel"]).await;
    checked(&world).await;
    world.clock.advance(TimeDelta::seconds(61));
    until("the letter is suppressed", async || {
        let suppressed = "select reason from notifications
                          where type = 'space_alert' and channel = 'email' and status = 'SUPPRESSED'";
        world.texts(suppressed).await == ["not_true"]
    })
    .await;
}
