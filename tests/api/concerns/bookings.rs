//! The bookings of one flight that need attention.
use serde_json::json;

use super::{Transfer, concerned};
use crate::{
    amending::{amend, shown},
    flight_verbs::{done, path_to},
    support::{
        NewFlight,
        freight::{order, text},
    },
};

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
        {"booking": long_now, "at_risk": connection, "to_reroute": true},
        {"booking": short_now, "at_risk": connection, "to_reroute": false},
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
