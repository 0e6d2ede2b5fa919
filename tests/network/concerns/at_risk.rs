//! A connection is at risk while it is shorter than the minimum by the best known times.
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    amending::{patch, shown},
    flight_verbs::{done, path_to},
    freight::{order, text, with},
    holds::hold_on,
};
use serde_json::{Value, json};

use super::{ALL, CONNECTIONS, Transfer, concerned, count, counts};

#[tokio::test]
async fn a_flight_that_is_retimed_endangers_connections_until_it_is_retimed_back() {
    let transfer = Transfer::start().await;
    let booking = transfer.book().await;
    transfer.customer.book(with(order(&[&transfer.first, &transfer.second]), json!({"weight_kg": 50.5}))).await;
    assert_eq!(transfer.figures().await, json!([]), "eight hours are enough");

    transfer.lands_at("19:00:00").await;
    let (first, second) = (&transfer.first, &transfer.second);
    let expected = json!([{
        "flight_id": first["id"], "flight_number": "AI101", "origin": "DEL", "destination": "BOM",
        "departure_datetime": "2026-11-21T08:00:00Z", "arrival_datetime": "2026-11-21T19:00:00Z",
        "at_risk": {
            "bookings": 2, "weight_kg": 150.5,
            "onward": [{
                "flight_id": second["id"], "flight_number": "AI102", "departure_datetime": "2026-11-21T20:00:00Z",
                "minutes_left": 60, "minutes_needed": 120, "bookings": 2, "weight_kg": 150.5,
            }],
        },
        "to_reroute": {"bookings": 0, "weight_kg": 0},
    }]);
    assert_eq!(transfer.figures().await, expected);
    assert_eq!(concerned(&transfer.operator, first, "").await.len(), 2);

    transfer.lands_at("12:00:00").await;
    assert_eq!(transfer.figures().await, json!([]));
    assert_eq!(concerned(&transfer.operator, first, "").await, [""; 0]);
    assert_eq!(shown(&transfer.customer, &booking).await["needs_rerouting"], false);
    transfer.world.audit().await;
}

#[tokio::test]
async fn minutes_are_rounded_down_and_the_last_one_counts() {
    let transfer = Transfer::start().await;
    transfer.book().await;
    for (lands, leaves, minutes) in [
        ("18:00:00", "20:00:00", None),
        ("18:00:00.000001", "20:00:00", Some((119, 120))),
        ("18:00:00", "19:00:30", Some((60, 120))),
        // It leaves before the other one lands.
        ("18:00:00", "17:30:00", Some((-30, 120))),
        ("18:00:00", "17:59:59", Some((-1, 120))),
        ("15:30:00", "17:30:00", None),
    ] {
        transfer.lands_at(lands).await;
        transfer.leaves_at(leaves).await;
        assert_eq!(transfer.minutes().await, minutes, "lands {lands}, leaves {leaves}");
    }
    transfer.world.audit().await;
}

#[tokio::test]
async fn only_freight_that_is_to_connect_counts() {
    let transfer = Transfer::start().await;
    let (first, second) = (&transfer.first, &transfer.second);
    let cancelled = transfer.book().await;
    transfer.customer.walk(&cancelled, &["cancel"]).await;
    transfer.customer.hold(hold_on(&[first, second])).await;
    transfer.customer.book(order(&[first])).await;
    transfer.customer.book(order(&[second])).await;
    for steps in [&["depart", "arrive", "depart"][..], &["depart", "arrive", "depart", "arrive"]] {
        transfer.operator.walk(&transfer.book().await, steps).await;
    }
    let delivered = transfer.book().await;
    transfer.operator.walk(&delivered, &["depart", "arrive", "depart", "arrive", "deliver"]).await;
    transfer.lands_at("19:00:00").await;
    assert_eq!(transfer.figures().await, json!([]));

    let stays = transfer.book_short().await;
    assert_eq!(counts(&transfer.figures().await), [count("AI101", 1, 0)]);
    transfer.customer.walk(&stays, &["cancel"]).await;
    assert_eq!(transfer.figures().await, json!([]));
    transfer.world.audit().await;
}

impl Transfer {
    /// Books while the connection is long enough, and shortens it again.
    async fn book_short(&self) -> Value {
        self.lands_at("12:00:00").await;
        let booking = self.book().await;
        self.lands_at("19:00:00").await;
        booking
    }
}

#[tokio::test]
async fn a_late_landing_counts_until_the_onward_flight_leaves() {
    let transfer = Transfer::start().await;
    let booking = transfer.book().await;
    let (first, second, operator) = (&transfer.first, &transfer.second, &transfer.operator);
    transfer.at("08:00:00");
    done(operator, first, "depart").await;
    assert_eq!(transfer.minutes().await, None);
    // Its best known arrival is noon: it has not landed since.
    transfer.at("18:00:00");
    assert_eq!(transfer.minutes().await, None, "two hours are left");
    transfer.at("18:30:00");
    assert_eq!(transfer.minutes().await, Some((90, 120)));
    transfer.at("19:00:00");
    done(operator, first, "arrive").await;
    transfer.at("19:45:00");
    assert_eq!(transfer.minutes().await, Some((60, 120)), "counted from the landing");
    assert_eq!(shown(&transfer.customer, &booking).await["needs_rerouting"], false, "nothing was decided");
    assert_eq!(concerned(operator, first, "concern=AT_RISK").await, [text(&booking, "ref_id")]);
    done(operator, second, "depart").await;
    assert_eq!(transfer.figures().await, json!([]), "it made the connection");
    transfer.world.audit().await;
}

#[tokio::test]
async fn freight_in_the_air_is_on_its_way_although_its_flight_is_not_known_to_have_left() {
    let transfer = Transfer::start().await;
    let (flown, left) = (transfer.book().await, transfer.book().await);
    let (flown_name, left_name) = (text(&flown, "ref_id"), text(&left, "ref_id"));
    transfer.at("08:00:00");
    transfer.operator.walk(&flown, &["depart"]).await;
    let at_risk = async || concerned(&transfer.operator, &transfer.first, "concern=AT_RISK").await;
    // What has not left lands four hours from now at the earliest.
    transfer.at("14:30:00");
    assert_eq!(at_risk().await, [left_name]);
    transfer.at("18:30:00");
    assert_eq!(at_risk().await, [left_name, flown_name]);
    transfer.world.audit().await;
}

#[tokio::test]
async fn an_onward_flight_that_is_late_too_takes_the_risk_away() {
    let transfer = Transfer::start().await;
    transfer.book().await;
    transfer.at("08:00:00");
    done(&transfer.operator, &transfer.first, "depart").await;
    transfer.at("19:00:00");
    done(&transfer.operator, &transfer.first, "arrive").await;
    transfer.at("20:59:00");
    assert_eq!(transfer.minutes().await, Some((119, 120)), "it should have left at eight and leaves now");
    transfer.at("21:00:00");
    assert_eq!(transfer.minutes().await, None);
    transfer.world.audit().await;
}

#[tokio::test]
async fn a_flight_that_does_not_leave_endangers_connections_as_time_passes() {
    let transfer = Transfer::start().await;
    transfer.book().await;
    // It takes four hours: what leaves at two lands at six.
    transfer.at("14:00:00");
    assert_eq!(transfer.minutes().await, None);
    transfer.at("14:01:00");
    assert_eq!(transfer.minutes().await, Some((119, 120)));
    transfer.leaves_at("20:01:00").await;
    assert_eq!(transfer.minutes().await, None);
    transfer.world.audit().await;
}

#[tokio::test]
async fn freight_that_landed_alone_counts_from_its_own_landing() {
    let transfer = Transfer::start().await;
    let booking = transfer.book().await;
    transfer.operator.walk(&booking, &["depart", "arrive"]).await;
    transfer.book_short().await;
    // The one is there since long ago; the other one is to land with its flight.
    assert_eq!(counts(&transfer.figures().await), [count("AI101", 1, 0)]);
    transfer.world.audit().await;
}

#[tokio::test]
async fn one_flight_number_needs_no_minimum() {
    let world = World::start().await;
    let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("AI101", "BOM", "LHR").leaves_in_hours(29)).await;
    customer.book(order(&[&first, &second])).await;
    for (lands, expected) in [("12:55:00", vec![]), ("13:30:00", vec![count("AI101", 1, 0)]), ("13:00:00", vec![])] {
        let wish = json!({"arrival_datetime": format!("2026-11-21T{lands}Z")});
        patch(&admin, &path_to(&first), wish).await.expect(200);
        let figures = operator.get(&format!("{CONNECTIONS}?{ALL}")).await.expect(200);
        assert_eq!(counts(&figures), expected, "{lands}");
        if let Some(entry) = figures.as_array().unwrap().first() {
            let onward = &entry["at_risk"]["onward"][0];
            assert_eq!((&onward["minutes_left"], &onward["minutes_needed"]), (&json!(-30), &json!(0)));
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn the_minimum_is_that_of_the_airport() {
    let options = WorldOptions::default()
        .set("search.min_connection_minutes", "200")
        .set("search.connection_minutes_by_airport", "BOM=30");
    let transfer = Transfer::of(options.start().await).await;
    transfer.book().await;
    for (lands, minutes) in [("19:30:00", None), ("19:31:00", Some((29, 30)))] {
        transfer.lands_at(lands).await;
        assert_eq!(transfer.minutes().await, minutes, "{lands}");
    }
    transfer.world.audit().await;
}

#[tokio::test]
async fn connections_at_risk_are_listed_by_onward_flight_earliest_first() {
    let transfer = Transfer::start().await;
    let later = transfer.world.flight(NewFlight::new("AI103", "BOM", "DXB").leaves_in_hours(37)).await;
    let safe = transfer.world.flight(NewFlight::new("AI104", "BOM", "SIN").leaves_in_hours(48)).await;
    transfer.book().await;
    for onward in [&later, &later, &safe] {
        transfer.customer.book(order(&[&transfer.first, onward])).await;
    }
    transfer.lands_at("19:30:00").await;
    let figures = transfer.figures().await;
    assert_eq!(counts(&figures), [count("AI101", 3, 0)]);
    let onward = figures[0]["at_risk"]["onward"].as_array().unwrap().iter();
    let told: Vec<_> = onward.map(|it| (text(it, "flight_number"), &it["bookings"], &it["minutes_left"])).collect();
    assert_eq!(told, [("AI102", &json!(1), &json!(30)), ("AI103", &json!(2), &json!(90))]);
    transfer.world.audit().await;
}

#[tokio::test]
async fn in_the_night_in_which_clocks_change_an_hour_by_the_clock_is_no_hour() {
    let world = World::start().await;
    let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
    // In London clocks go from one to two in this night.
    let first = NewFlight::new("BA101", "DEL", "LHR").departs("2027-03-27T15:30:00Z").takes_minutes(540);
    let first = world.flight(first).await;
    let second = world.flight(NewFlight::new("BA102", "LHR", "JFK").departs("2027-03-28T04:00:00Z")).await;
    customer.book(order(&[&first, &second])).await;
    for (leaves, minutes) in [
        // 0:30 to 2:35 by the clock.
        ("2027-03-28T02:35:00+01:00", Some(65)),
        ("2027-03-28T03:29:00+01:00", Some(119)),
        ("2027-03-28T03:30:00+01:00", None),
    ] {
        patch(&admin, &path_to(&second), json!({"departure_datetime": leaves})).await.expect(200);
        let window = "station=LHR&from=2027-03-27T00:00:00Z&to=2027-03-29T00:00:00Z";
        let figures = operator.get(&format!("{CONNECTIONS}?{window}")).await.expect(200);
        let left = figures.get(0).map(|it| it["at_risk"]["onward"][0]["minutes_left"].as_i64().unwrap());
        assert_eq!(left, minutes, "{leaves}");
    }
    world.audit().await;
}
