//! Bookings that lost a leg are to be rerouted: they count on the flights that they are on, and on the one that they lost.
use loadmaster_testkit::{
    NewFlight,
    amending::{amend, patch, shown},
    flight_verbs::{done, path_to},
    freight::text,
};
use serde_json::json;

use super::{Transfer, concerned, count, counts};

#[tokio::test]
async fn a_cancelled_flight_leaves_bookings_to_reroute_until_they_have_another() {
    let transfer = Transfer::start().await;
    let later = transfer.world.flight(NewFlight::new("AI103", "BOM", "LHR").leaves_in_hours(48)).await;
    let booking = transfer.book().await;
    done(&transfer.admin, &transfer.second, "cancel").await;
    let figures = transfer.figures().await;
    assert_eq!(counts(&figures), [count("AI101", 0, 1), count("AI102", 0, 1)]);
    assert_eq!(figures[0]["to_reroute"], json!({"bookings": 1, "weight_kg": 100}));
    assert_eq!(figures[0]["at_risk"], json!({"bookings": 0, "weight_kg": 0, "onward": []}));
    for flight in [&transfer.first, &transfer.second] {
        assert_eq!(concerned(&transfer.operator, flight, "").await, [text(&booking, "ref_id")]);
    }

    let flights = json!({"flight_ids": [transfer.first["id"], later["id"]]});
    amend(&transfer.operator, &booking, flights).await.expect(200);
    assert_eq!(transfer.figures().await, json!([]));
    // What it lost before is no longer of interest when it loses another one.
    done(&transfer.admin, &later, "cancel").await;
    assert_eq!(counts(&transfer.figures().await), [count("AI101", 0, 1), count("AI103", 0, 1)]);
    transfer.world.audit().await;
}

#[tokio::test]
async fn a_missed_connection_counts_where_the_freight_is() {
    let transfer = Transfer::start().await;
    let booking = transfer.book().await;
    done(&transfer.operator, &transfer.first, "depart").await;
    done(&transfer.operator, &transfer.second, "depart").await;
    assert_eq!(shown(&transfer.customer, &booking).await["legs"][1]["offload_reason"], "MISSED_CONNECTION");
    let expected = [count("AI101", 0, 1), count("AI102", 0, 1)];
    let sorted = async || {
        // Both left at the same moment.
        let window = "from=2026-11-20T00:00:00Z&to=2026-11-24T00:00:00Z";
        let path = format!("{}?{window}", super::CONNECTIONS);
        let mut found = counts(&transfer.operator.get(&path).await.expect(200));
        found.sort();
        found
    };
    assert_eq!(sorted().await, expected);
    done(&transfer.operator, &transfer.first, "arrive").await;
    assert_eq!(sorted().await, expected, "it waits where the first flight landed");
    transfer.world.audit().await;
}

#[tokio::test]
async fn a_booking_that_is_cancelled_is_not_rerouted() {
    let transfer = Transfer::start().await;
    let booking = transfer.book().await;
    let offload = json!({"offload": [booking["ref_id"]]});
    patch(&transfer.admin, &path_to(&transfer.first), offload).await.expect(200);
    assert_eq!(counts(&transfer.figures().await), [count("AI101", 0, 1), count("AI102", 0, 1)]);
    transfer.customer.walk(&booking, &["cancel"]).await;
    assert_eq!(transfer.figures().await, json!([]));
    transfer.world.audit().await;
}

#[tokio::test]
async fn a_connection_that_is_too_short_is_at_risk_and_no_lost_leg() {
    let transfer = Transfer::start().await;
    let booking = transfer.book().await;
    transfer.lands_at("19:00:00").await;
    assert_eq!(shown(&transfer.customer, &booking).await["needs_rerouting"], true);
    assert_eq!(counts(&transfer.figures().await), [count("AI101", 1, 0)]);
    // Then the onward flight is cancelled: there is no connection any more.
    done(&transfer.admin, &transfer.second, "cancel").await;
    assert_eq!(counts(&transfer.figures().await), [count("AI101", 0, 1), count("AI102", 0, 1)]);
    transfer.world.audit().await;
}
