//! What a message says, and what it does not.
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, World,
    amending::{amend, patch},
    flight_verbs::{done, path_to},
    freight::{order, path_of, text, two_flights, with},
};
use serde_json::{Value, json};
use sqlx::Row;
use uuid::Uuid;

use super::{documents, happened};

/// In names, descriptions and notes, and nowhere else.
const PRIVATE: &str = "Zanzibar";

/// Everything that can happen to bookings and flights; answers the first booking and the first flight.
async fn everything(world: &World, customer: &Client) -> (Value, Value) {
    let (operator, admin) = (world.operator().await, world.admin().await);
    let [first, second] = two_flights(world).await;
    let direct = world.flight(NewFlight::new("AI104", "DEL", "LHR").leaves_in_hours(30)).await;
    let party = json!({"name": PRIVATE, "street": PRIVATE, "email": "ann@zanzibar.example"});
    let wish = |flights: &[&Value]| {
        with(order(flights), json!({"shipper": party, "consignee": party, "description": format!("{PRIVATE} pearls")}))
    };
    let noted = json!({"notes": format!("{PRIVATE} has called")});

    let sent = customer.book(wish(&[&first, &second])).await;
    for step in ["depart", "arrive", "depart", "arrive", "deliver"] {
        operator.post(&format!("{}/{step}", path_of(&sent)), noted.clone()).await.expect(200);
    }
    let dropped = customer.book(wish(&[&first, &second])).await;
    amend(customer, &dropped, json!({"pieces": 3, "shipper": {"name": format!("{PRIVATE} Ltd")}})).await.expect(200);
    amend(customer, &dropped, json!({"flight_ids": [direct["id"]]})).await.expect(200);
    customer
        .post(&format!("{}/cancel", path_of(&dropped)), json!({"reason": format!("{PRIVATE} withdrew")}))
        .await
        .expect(200);
    let offloaded = customer.book(wish(&[&first])).await;
    patch(&admin, &path_to(&first), json!({"offload": [offloaded["ref_id"]]})).await.expect(200);
    customer.book(wish(&[&second])).await;
    let later = json!({"departure_datetime": "2026-11-21T21:00:00Z", "arrival_datetime": "2026-11-22T01:00:00Z"});
    patch(&admin, &path_to(&second), later).await.expect(200);
    done(&admin, &direct, "cancel").await;
    let corrected = customer.book(wish(&[&first])).await;
    operator.walk(&corrected, &["depart"]).await;
    let mistake = json!({"reason": format!("{PRIVATE} is another one")});
    operator.post(&format!("{}/correct", path_of(&corrected)), mistake).await.expect(200);
    let flown = world.flight(NewFlight::new("AI105", "BOM", "LHR").leaves_in_hours(40)).await;
    let stranded = customer.book(wish(&[&flown])).await;
    done(&admin, &flown, "cancel").await;
    assert_eq!(customer.get(&path_of(&stranded)).await.expect(200)["needs_rerouting"], true);
    for verb in ["depart", "arrive"] {
        done(&operator, &first, verb).await;
    }
    (sent, first)
}

#[tokio::test]
async fn every_event_is_sent_in_a_document_of_its_type() {
    let world = World::working().await;
    everything(&world, &world.customer().await).await;
    let mut owner = world.database.owner().await;
    let rows = sqlx::query(
        "select o.payload, o.aggregate, o.aggregate_id, o.sequence, o.event_type,
                coalesce(b.ref_id, o.aggregate_id::text) as subject, coalesce(e.occurred_at, f.occurred_at) as at
         from outbox o
         left join bookings b on b.id = o.aggregate_id
         left join booking_events e on e.booking_id = o.aggregate_id and e.sequence = o.sequence
         left join flight_events f on f.flight_id = o.aggregate_id and f.sequence = o.sequence",
    );
    let rows = rows.fetch_all(&mut owner).await.unwrap();
    let mut types = BTreeSet::new();
    for row in &rows {
        let document: Value = row.get("payload");
        let (aggregate, sequence): (String, i32) = (row.get("aggregate"), row.get("sequence"));
        let named = format!("loadmaster.{aggregate}.{}.v1", row.get::<String, _>("event_type").to_lowercase());
        let expected = json!({
            "specversion": "1.0",
            "id": format!("{}-{sequence}", row.get::<Uuid, _>("aggregate_id")),
            "source": "/loadmaster",
            "type": named,
            "subject": row.get::<String, _>("subject"),
            "datacontenttype": "application/json",
            "sequence": sequence.to_string(),
        });
        assert_eq!(with(document.clone(), expected), document, "nothing is different");
        assert_eq!(document.as_object().unwrap().len(), 9, "and there are only `time` and `data` beside it");
        let time: DateTime<Utc> = text(&document, "time").parse().unwrap();
        assert_eq!(time, row.get::<DateTime<Utc>, _>("at"), "{document}");
        assert!(document["data"].is_object());
        types.insert(named.split('.').skip(1).take(2).collect::<Vec<_>>().join(" "));
    }
    let booking = "amended arrived booked cancelled corrected delivered departed flight_cancelled flight_retimed offloaded rerouted";
    let flight = "arrived cancelled changed created departed";
    let all = booking.split(' ').map(|kind| format!("booking {kind}"));
    assert_eq!(types, all.chain(flight.split(' ').map(|kind| format!("flight {kind}"))).collect());
    assert_eq!(rows.len(), happened(&mut owner).await.len());
    assert_eq!(documents(&mut owner).await.into_keys().collect::<BTreeSet<_>>(), happened(&mut owner).await);
    world.audit().await;
}

/// The documents of one aggregate in their order.
async fn told_of(world: &World, aggregate: &str) -> Vec<Value> {
    let documents = documents(&mut world.database.owner().await).await;
    let mut told: BTreeMap<u32, Value> = BTreeMap::new();
    for (id, document) in documents.into_iter().filter(|(id, _)| id.starts_with(aggregate)) {
        assert_eq!(id, format!("{aggregate}-{}", text(&document, "sequence")));
        told.insert(text(&document, "sequence").parse().unwrap(), document);
    }
    told.into_values().collect()
}

#[tokio::test]
async fn a_message_says_what_has_become_of_the_booking_or_flight() {
    let world = World::working().await;
    let customer = world.customer().await;
    let (booking, flight) = everything(&world, &customer).await;
    let told = told_of(&world, text(&booking, "id")).await;
    let history = customer.get(&format!("{}/history", path_of(&booking))).await.expect(200);
    let timeline = history["timeline"].as_array().unwrap();
    assert_eq!((told.len(), timeline.len()), (6, 6));
    for (document, event) in told.iter().zip(timeline) {
        let data = &document["data"];
        for member in ["status", "location", "flight_id", "flight_number", "pieces", "weight_kg"] {
            assert_eq!(data[member], event[member], "{member} of {document}");
        }
        assert_eq!(data["ref_id"], booking["ref_id"]);
        assert_eq!(data["version"].to_string(), text(document, "sequence"));
        assert_eq!(data["data_version"], 1);
    }

    let told = told_of(&world, text(&flight, "id")).await;
    let statuses: Vec<_> = told.iter().map(|document| text(&document["data"], "status")).collect();
    assert_eq!(statuses.last(), Some(&"ARRIVED"), "{statuses:?}");
    let created = &told[0]["data"];
    assert_eq!((&created["flight_number"], &created["origin"]), (&flight["flight_number"], &flight["origin"]));
}

#[tokio::test]
async fn no_message_contains_names_remarks_or_the_actor() {
    let world = World::working().await;
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let customer = world.caller_in(Role::Customer, user, organization).await;
    everything(&world, &customer).await;
    let kept = world.texts("select coalesce(shipper::text, '') || coalesce(description, '') from booking_texts").await;
    assert!(kept.iter().all(|text| text.contains(PRIVATE)), "{kept:?}");
    for document in world.texts("select payload::text from outbox").await {
        for word in [PRIVATE.to_lowercase(), user.to_string(), "@".to_owned(), "notes".to_owned()] {
            assert!(!document.to_lowercase().contains(&word), "{word}: {document}");
        }
    }
}
