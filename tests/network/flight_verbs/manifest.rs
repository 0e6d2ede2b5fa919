//! What a flight carries: booking by booking, in all, and by handling code.

use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, World,
    amending::{amend, shown},
    flight_verbs::{act, done, flight_now, path_to},
    freight::{each, members, order, text, with},
};
use serde_json::{Value, json};

use super::two_flights;

const ENTRY: [&str; 16] = [
    "ref_id",
    "awb_number",
    "booking_status",
    "leg_id",
    "leg_status",
    "origin",
    "destination",
    "pieces",
    "weight_kg",
    "volume_m3",
    "dimensions",
    "positions",
    "special_handling_codes",
    "description",
    "shipper",
    "consignee",
];

async fn manifest(client: &Client, flight: &Value) -> Value {
    client.get(&format!("{}/manifest", path_to(flight))).await.expect(200)
}

fn sorted(bookings: &[&Value]) -> Value {
    let mut references: Vec<_> = bookings.iter().map(|booking| text(booking, "ref_id")).collect();
    references.sort_unstable();
    json!(references)
}

/// The totals by handling code, by code.
fn by_code(manifest: &Value) -> Vec<Value> {
    let mut list = manifest["totals"]["special_handling_codes"].as_array().expect("a list").clone();
    list.sort_by_key(|entry| text(entry, "code").to_owned());
    list
}

fn said(pieces: u32, weight: u32, codes: &[&str]) -> Value {
    json!({"pieces": pieces, "weight_kg": weight, "volume_m3": 1.5, "positions": 1, "special_handling_codes": codes})
}

#[tokio::test]
async fn before_departure_it_lists_what_is_booked() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let texts = json!({"description": "Mangoes", "awb_number": "020-12345675", "shipper": {"name": "Ann"},
                       "consignee": {"name": "Bob", "city": "Bombay"}, "customer_reference": "PO 1"});
    let one = customer.book(with(with(order(&[&first]), said(2, 100, &["PER"])), texts)).await;
    let two = operator.book(with(order(&[&first, &second]), said(3, 50, &["COL", "PER"]))).await;
    let three = customer.book(with(order(&[&first]), said(4, 25, &[]))).await;
    let gone = customer.book(order(&[&first])).await;
    customer.walk(&gone, &["cancel"]).await;

    let list = manifest(&operator, &first).await;
    assert_eq!(members(&list), ["bookings", "flight", "totals"].into());
    assert_eq!(list["flight"], flight_now(&operator, &first).await);
    assert_eq!(json!(each(&list["bookings"], "ref_id")), sorted(&[&one, &two, &three]));
    for entry in list["bookings"].as_array().unwrap() {
        let booking = [&one, &two, &three].into_iter().find(|booking| booking["ref_id"] == entry["ref_id"]).unwrap();
        assert_eq!(members(entry), ENTRY.into());
        for member in ENTRY.iter().filter(|member| !["booking_status", "leg_id", "leg_status"].contains(*member)) {
            assert_eq!(entry[member], booking[member], "{member}");
        }
        assert_eq!((&entry["booking_status"], &entry["leg_status"]), (&json!("BOOKED"), &json!("BOOKED")));
        assert_eq!(entry["leg_id"], booking["legs"][0]["id"]);
    }
    let mut totals = list["totals"].clone();
    totals.as_object_mut().unwrap().remove("special_handling_codes");
    assert_eq!(totals, json!({"bookings": 3, "pieces": 9, "weight_kg": 175, "volume_m3": 4.5, "positions": 3}));
    assert_eq!(
        by_code(&list),
        [
            json!({"code": "COL", "bookings": 1, "pieces": 3, "weight_kg": 50, "volume_m3": 1.5, "positions": 1}),
            json!({"code": "PER", "bookings": 2, "pieces": 5, "weight_kg": 150, "volume_m3": 3, "positions": 2}),
        ]
    );
    let onward = manifest(&operator, &second).await;
    assert_eq!(json!(each(&onward["bookings"], "ref_id")), sorted(&[&two]));
    assert_eq!(
        (&onward["bookings"][0]["origin"], &onward["bookings"][0]["destination"]),
        (&json!("DEL"), &json!("LHR"))
    );
    assert_eq!(onward["bookings"][0]["leg_id"], two["legs"][1]["id"]);
}

#[tokio::test]
async fn after_departure_it_lists_what_flew() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let goes = customer.book(with(order(&[&first, &second]), said(2, 100, &["PER"]))).await;
    let stays = customer.book(with(order(&[&first]), said(3, 50, &["PER"]))).await;
    let alone = customer.book(with(order(&[&first]), said(1, 10, &[]))).await;
    operator.walk(&alone, &["depart", "arrive", "deliver"]).await;
    let left = json!({"left_behind": [{"ref_id": stays["ref_id"], "reason": "NO_SHOW"}]});
    act(&operator, &first, "depart", left).await.expect(200);

    let list = manifest(&operator, &first).await;
    assert_eq!(list["flight"]["status"], "DEPARTED");
    assert_eq!(json!(each(&list["bookings"], "ref_id")), sorted(&[&goes, &alone]));
    for entry in list["bookings"].as_array().unwrap() {
        let expected =
            if entry["ref_id"] == goes["ref_id"] { ["DEPARTED", "DEPARTED"] } else { ["DELIVERED", "ARRIVED"] };
        assert_eq!(json!([entry["booking_status"], entry["leg_status"]]), json!(expected));
    }
    assert_eq!((&list["totals"]["bookings"], &list["totals"]["weight_kg"]), (&json!(2), &json!(110)));
    assert_eq!(by_code(&list).len(), 1);
    assert_eq!(by_code(&list)[0]["bookings"], 1);

    done(&operator, &first, "arrive").await;
    // Where the booking is by now does not matter: it flew on this one.
    done(&operator, &second, "depart").await;
    let list = manifest(&operator, &first).await;
    let entry = list["bookings"].as_array().unwrap().iter().find(|entry| entry["ref_id"] == goes["ref_id"]).unwrap();
    assert_eq!(json!([entry["booking_status"], entry["leg_status"]]), json!(["DEPARTED", "ARRIVED"]));
    assert_eq!(list["totals"]["pieces"], 3);
    world.audit().await;
}

#[tokio::test]
async fn it_shows_each_booking_as_it_is_now() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&first, &second])).await;
    amend(&customer, &booking, json!({"weight_kg": 70, "pieces": 7, "description": "Figs"})).await.expect(200);
    let list = manifest(&operator, &second).await;
    let entry = &list["bookings"][0];
    assert_eq!((&entry["weight_kg"], &entry["pieces"], &entry["description"]), (&json!(70), &json!(7), &json!("Figs")));
    assert_eq!((&list["totals"]["weight_kg"], &list["totals"]["pieces"]), (&json!(70), &json!(7)));
    let direct = world.flight(loadmaster_testkit::NewFlight::new("AI103", "DEL", "LHR")).await;
    amend(&customer, &booking, json!({"flight_ids": [direct["id"]]})).await.expect(200);
    assert_eq!(manifest(&operator, &second).await["bookings"], json!([]));
    let moved = shown(&customer, &booking).await;
    assert_eq!(manifest(&operator, &direct).await["bookings"][0]["ref_id"], moved["ref_id"]);
}

#[tokio::test]
async fn an_empty_flight_has_an_empty_one() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (operator, admin) = (world.operator().await, world.admin().await);
    let booking = operator.book(order(&[&second])).await;
    done(&admin, &second, "cancel").await;
    for flight in [&first, &second] {
        let list = manifest(&operator, flight).await;
        assert_eq!(list["bookings"], json!([]));
        let nothing = json!({"bookings": 0, "pieces": 0, "weight_kg": 0, "volume_m3": 0, "positions": 0,
                             "special_handling_codes": []});
        assert_eq!(list["totals"], nothing);
    }
    assert_eq!(shown(&operator, &booking).await["needs_rerouting"], true);
}

#[tokio::test]
async fn only_the_carrier_sees_it() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let customer = world.customer().await;
    customer.book(order(&[&first])).await;
    let absent = "/api/v1/flights/01934f2e-0000-7000-8000-000000000000".to_owned();
    for path in [path_to(&first), absent.clone(), "/api/v1/flights/AI101".to_owned()] {
        let path = format!("{path}/manifest");
        world.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
        world.caller(Role::Guest).await.get(&path).await.expect_problem(403, "forbidden");
        customer.get(&path).await.expect_problem(403, "forbidden");
    }
    for staff in [world.operator().await, world.admin().await] {
        let answer = staff.get(&format!("{}/manifest", path_to(&first))).await;
        assert!(answer.header("cache-control").is_some_and(|value| value.contains("private")), "{:?}", answer.headers);
        assert_eq!(answer.expect(200)["totals"]["bookings"], 1);
        for path in [&absent, &"/api/v1/flights/AI101".to_owned(), &"/api/v1/flights/%00".to_owned()] {
            staff.get(&format!("{path}/manifest")).await.expect_problem(404, "not_found");
        }
        let faults = staff.get(&format!("{}/manifest?x=1", path_to(&first))).await.expect_faults();
        assert_eq!(faults, [("x".to_owned(), "unknown_field".to_owned())]);
    }
}
