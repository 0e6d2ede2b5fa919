//! The bookings of one flight that need attention.
use loadmaster_testkit::{
    NewFlight,
    amending::{amend, shown},
    flight_verbs::{done, path_to},
    freight::{order, text},
};
use serde_json::json;

use super::{Transfer, concerned};

#[tokio::test]
async fn each_booking_has_its_connection_and_whether_it_lost_a_leg() {
    let transfer = Transfer::start().await;
    let third = transfer.world.flight(NewFlight::new("AI103", "LHR", "JFK").leaves_in_hours(48)).await;
    let short = transfer.book().await;
    let whole = [&transfer.first, &transfer.second, &third];
    let long = transfer.customer.book(order(&whole)).await;
    transfer.lands_at("19:00:00").await;
    done(&transfer.admin, &third, "cancel").await;
    let (operator, first) = (&transfer.operator, &transfer.first);
    let connection = json!({
        "flight_id": transfer.second["id"], "flight_number": "AI102", "departure_datetime": "2026-11-21T20:00:00Z",
        "minutes_left": 60, "minutes_needed": 120,
    });
    let (long_now, short_now) = (shown(operator, &long).await, shown(operator, &short).await);
    let expected = json!([
        {"booking": long_now, "at_risk": connection, "to_reroute": true, "earliest_departure_datetime": null},
        {"booking": short_now, "at_risk": connection, "to_reroute": false, "earliest_departure_datetime": null},
    ]);
    let path = format!("{}/connections", path_to(first));
    let found = operator.get(&path).await;
    assert_eq!(found.header("cache-control"), Some("private, no-cache"));
    assert_eq!(found.expect(200), expected, "newest first");
    let [short, long] = [text(&short, "ref_id"), text(&long, "ref_id")];
    assert_eq!(concerned(operator, first, "concern=AT_RISK").await, [long, short]);
    assert_eq!(concerned(operator, first, "concern=to_reroute").await, [long]);
    let lost = operator.get(&format!("{}/connections", path_to(&third))).await.expect(200);
    assert_eq!((&lost[0]["at_risk"], &lost[0]["to_reroute"]), (&json!(null), &json!(true)));
    transfer.world.audit().await;
}

#[tokio::test]
async fn another_route_may_leave_a_connection_after_the_landing() {
    let transfer = Transfer::start().await;
    let later = NewFlight::new("AI103", "BOM", "LHR").departs("2026-11-21T21:40:00Z");
    let later = transfer.world.flight(later).await;
    let booking = transfer.book().await;
    let (first, operator) = (&transfer.first, &transfer.operator);
    let path = format!("{}/connections", path_to(first));
    let earliest = async || operator.get(&path).await.expect(200)[0]["earliest_departure_datetime"].clone();
    transfer.lands_at("19:00:00").await;
    assert_eq!(earliest().await, json!(null), "it has not been flown");
    transfer.at("08:00:00");
    done(operator, first, "depart").await;
    assert_eq!(earliest().await, json!("2026-11-21T21:00:00Z"), "two hours after the best known landing");
    transfer.at("19:30:00");
    assert_eq!(earliest().await, json!("2026-11-21T21:30:00Z"), "it is late and lands now at the earliest");
    transfer.at("19:40:00");
    done(operator, first, "arrive").await;
    transfer.at("19:50:00");
    assert_eq!(earliest().await, json!("2026-11-21T21:40:00Z"), "counted from the landing");
    amend(operator, &booking, json!({"flight_ids": [later["id"]]})).await.expect(200);
    transfer.world.audit().await;
}

#[tokio::test]
async fn a_flight_further_on_has_the_landing_of_the_one_before() {
    let transfer = Transfer::start().await;
    let booking = transfer.book().await;
    transfer.at("08:00:00");
    done(&transfer.operator, &transfer.first, "depart").await;
    transfer.lands_at("15:30:00").await;
    done(&transfer.admin, &transfer.second, "cancel").await;
    let path = format!("{}/connections?concern=TO_REROUTE", path_to(&transfer.second));
    let found = transfer.operator.get(&path).await.expect(200);
    assert_eq!(found[0]["booking"]["ref_id"], booking["ref_id"]);
    assert_eq!(found[0]["earliest_departure_datetime"], json!("2026-11-21T17:30:00Z"));
    transfer.world.audit().await;
}

#[tokio::test]
async fn freight_that_lands_early_waits_for_its_booked_arrival() {
    let transfer = Transfer::start().await;
    transfer.book().await;
    transfer.operator.walk(&transfer.book().await, &["depart", "arrive"]).await;
    done(&transfer.admin, &transfer.second, "cancel").await;
    let path = format!("{}/connections?concern=TO_REROUTE", path_to(&transfer.second));
    let found = transfer.operator.get(&path).await.expect(200);
    let earliest = [&found[0], &found[1]].map(|it| &it["earliest_departure_datetime"]);
    assert_eq!(earliest, [&json!("2026-11-21T14:00:00Z"), &json!(null)], "a day before its flight was to land");
    transfer.world.audit().await;
}

#[tokio::test]
async fn a_cursor_leads_through_all_bookings_of_the_flight() {
    let transfer = Transfer::start().await;
    let mut booked = Vec::new();
    for _ in 0..5 {
        booked.push(text(&transfer.book().await, "ref_id").to_owned());
    }
    booked.reverse();
    transfer.lands_at("19:00:00").await;
    let mut path = Some(format!("{}/connections?concern=AT_RISK&limit=2", path_to(&transfer.first)));
    let mut seen = Vec::new();
    while let Some(target) = path {
        let page = transfer.operator.get(&target).await;
        path = page.header("link").map(|link| link[1..].split_once('>').unwrap().0.to_owned());
        let page = page.expect(200);
        seen.push(
            page.as_array().unwrap().iter().map(|it| text(&it["booking"], "ref_id").to_owned()).collect::<Vec<_>>(),
        );
    }
    assert_eq!(seen.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(seen.concat(), booked);
}

#[tokio::test]
async fn what_was_rerouted_leaves_the_list() {
    let transfer = Transfer::start().await;
    let later = transfer.world.flight(NewFlight::new("AI103", "BOM", "LHR").leaves_in_hours(48)).await;
    let booking = transfer.book().await;
    transfer.lands_at("19:00:00").await;
    assert_eq!(concerned(&transfer.operator, &transfer.first, "").await, [text(&booking, "ref_id")]);
    let flights = json!({"flight_ids": [transfer.first["id"], later["id"]]});
    amend(&transfer.operator, &booking, flights).await.expect(200);
    assert_eq!(concerned(&transfer.operator, &transfer.first, "").await, [""; 0]);
    transfer.world.audit().await;
}
