//! Another aircraft must have openings for the pieces that are booked, or whoever changes it accepts that it has not.
use loadmaster_testkit::{
    NewFlight, World,
    amending::shown,
    freight::{order, text, with, without},
    import::table,
    reference::set_doors,
};
use serde_json::{Value, json};

use super::{change, refused};

/// A flight of a 777F, whose doors are 300 cm high; those of an A320 are 120 cm high.
async fn flight(world: &World) -> Value {
    set_doors(&world.admin().await).await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").aircraft("77X")).await
}

/// A piece of this height.
fn sized(flight: &Value, height: i32) -> Value {
    let dimensions = json!([{"pieces": 1, "length_cm": 100, "width_cm": 80, "height_cm": height}]);
    with(without(without(order(&[flight]), "pieces"), "volume_m3"), json!({ "dimensions": dimensions }))
}

#[tokio::test]
async fn an_aircraft_without_an_opening_for_a_booked_piece_is_refused_until_it_is_off_loaded() {
    let world = World::start().await;
    let (flight, customer, admin) = (flight(&world).await, world.customer().await, world.admin().await);
    let high = customer.book(sized(&flight, 150)).await;
    let low = customer.book(sized(&flight, 100)).await;
    customer.book(order(&[&flight])).await;
    for wish in [json!({"aircraft_code": "320"}), json!({"aircraft_code": "320", "accept_oversize": false})] {
        let problem = refused(&world, &admin, &flight, wish, "piece_too_large").await;
        assert_eq!(problem["ref_ids"], json!([high["ref_id"]]));
        assert!(text(&problem, "detail").contains(text(&high, "ref_id")), "{problem}");
    }
    // Types without openings, and no aircraft at all, are not judged.
    change(&admin, &flight, json!({"aircraft_code": "74N"})).await.expect(200);
    let wish = json!({"aircraft_code": "320", "offload": [high["ref_id"]]});
    assert_eq!(change(&admin, &flight, wish).await.expect(200)["aircraft_code"], "320");
    assert_eq!(shown(&customer, &high).await["needs_rerouting"], true);
    assert_eq!(shown(&customer, &low).await["needs_rerouting"], false);
    world.audit().await;
}

#[tokio::test]
async fn a_preview_lists_the_bookings_that_do_not_fit_on_the_aircraft() {
    let world = World::start().await;
    let (flight, customer, admin) = (flight(&world).await, world.customer().await, world.admin().await);
    let mut high = Vec::new();
    for height in [150, 160] {
        high.push(customer.book(sized(&flight, height)).await);
    }
    customer.book(sized(&flight, 100)).await;
    let path = format!("/api/v1/flights/{}?dry_run=true", text(&flight, "id"));
    let oversize = async |wish: Value| admin.patch(&path, wish).await.expect(200)["oversize"].clone();
    let size = json!({"line": 1, "length_cm": 100, "width_cm": 80});
    let of =
        |booking: &Value, height: i32| with(size.clone(), json!({"ref_id": booking["ref_id"], "height_cm": height}));
    let mut both = vec![of(&high[0], 150), of(&high[1], 160)];
    both.sort_by_key(|one| text(one, "ref_id").to_owned());
    assert_eq!(oversize(json!({"aircraft_code": "320"})).await, json!(both));
    assert_eq!(oversize(json!({"aircraft_code": "320", "accept_oversize": true})).await, json!(both));
    let off = json!({"aircraft_code": "320", "offload": [high[0]["ref_id"]]});
    assert_eq!(oversize(off).await, json!([of(&high[1], 160)]));
    assert_eq!(oversize(json!({"cutoff_minutes": 30})).await, json!([]));
    let cancelling = format!("/api/v1/flights/{}/cancel?dry_run=true", text(&flight, "id"));
    assert_eq!(admin.post(&cancelling, json!({})).await.expect(200)["oversize"], json!([]));
    // Nothing was changed, and the change itself is refused.
    assert_eq!(shown(&customer, &high[0]).await["version"], 1);
    let problem = refused(&world, &admin, &flight, json!({"aircraft_code": "320"}), "piece_too_large").await;
    assert_eq!(problem["ref_ids"].as_array().unwrap().len(), 2, "{problem}");
    world.audit().await;
}

#[tokio::test]
async fn oversize_that_is_accepted_stays_on_the_flight() {
    let world = World::start().await;
    let (flight, customer, admin) = (flight(&world).await, world.customer().await, world.admin().await);
    let high = customer.book(sized(&flight, 150)).await;
    let after = change(&admin, &flight, json!({"aircraft_code": "320", "accept_oversize": true})).await.expect(200);
    assert_eq!(after["aircraft_code"], "320");
    assert_eq!(shown(&customer, &high).await["needs_rerouting"], false);
    let acts = admin.get("/api/v1/admin/audit?act=flight.changed").await.expect(200);
    assert_eq!(acts[0]["data"]["accept_oversize"], true);
    // Other changes of the flight, and of the booking but for its size, are as before.
    change(&admin, &flight, json!({"cutoff_minutes": 30})).await.expect(200);
    customer.patch(&format!("/api/v1/bookings/{}", text(&high, "ref_id")), json!({"weight_kg": 90})).await.expect(200);
    customer.post("/api/v1/bookings", sized(&flight, 150)).await.expect_problem(409, "piece_too_large");
    world.audit().await;
}

#[tokio::test]
async fn bookings_no_longer_aboard_keep_no_aircraft() {
    let world = World::start().await;
    let (flight, customer, admin) = (flight(&world).await, world.customer().await, world.admin().await);
    let high = customer.book(sized(&flight, 150)).await;
    customer.walk(&high, &["cancel"]).await;
    change(&admin, &flight, json!({"aircraft_code": "320"})).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn a_row_of_an_import_is_refused_while_a_piece_that_its_aircraft_does_not_take_is_booked() {
    let world = World::start().await;
    let (flight, customer, admin) = (flight(&world).await, world.customer().await, world.admin().await);
    let low = json!([{"deck": "MAIN", "door_width_cm": 180, "door_height_cm": 120}]);
    admin.patch("/api/v1/aircraft/74N", json!({ "openings": low })).await.expect(200);
    let (departs, lands) = (text(&flight, "departure_datetime"), text(&flight, "arrival_datetime"));
    let import = async |query: &str, aircraft: &str, cutoff: i32| {
        let rows = table(&[&format!("AI101,DEL,LHR,{departs},{lands},{aircraft},1000,1000,10,{cutoff}")]);
        admin.post_raw(&format!("/api/v1/flights/import{query}"), "text/csv", rows).await
    };
    let high = customer.book(sized(&flight, 150)).await;
    for query in ["", "?dry_run=true"] {
        assert_eq!(
            import(query, "74N", 60).await.expect_faults(),
            [("/aircraft_code".to_owned(), "too_small".to_owned())]
        );
    }
    customer.walk(&high, &["cancel"]).await;
    customer.book(sized(&flight, 100)).await;
    assert_eq!(import("", "74N", 60).await.expect(200)["updated"], 1);
    // What is aboard all the same does not matter to a row that leaves the aircraft as it is.
    let accepted = with(sized(&flight, 150), json!({"accept_oversize": true}));
    world.operator().await.book(accepted).await;
    assert_eq!(import("", "74N", 30).await.expect(200)["updated"], 1);
    world.audit().await;
}
