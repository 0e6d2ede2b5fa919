//! The events alone are enough to know where every shipment stands: a fold over their `data`, written from the documents
//! and not from the product's code, gives what the tables say.
use loadmaster_testkit::{
    World,
    freight::{each, order, raw, with},
};
use serde_json::{Map, Value, json};
use sqlx::Row;

use super::two_flights;

/// What the events say of one booking.
#[derive(Default)]
struct Rebuilt {
    status: String,
    facts: Map<String, Value>,
    legs: Vec<Value>,
}

impl Rebuilt {
    fn apply(&mut self, event_type: &str, mut data: Value) {
        let legs = data["legs"].take();
        if event_type == "BOOKED" {
            self.facts.clone_from(data.as_object().expect("an object"));
            self.facts.remove("legs");
            self.legs.clone_from(legs.as_array().expect("legs"));
        } else {
            for changed in legs.as_array().into_iter().flatten() {
                let leg = self.legs.iter_mut().find(|leg| leg["id"] == changed["id"]).expect("a leg known before");
                leg.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
            }
        }
        if ["BOOKED", "DEPARTED", "ARRIVED", "DELIVERED", "CANCELLED"].contains(&event_type) {
            event_type.clone_into(&mut self.status);
        }
    }
}

async fn rebuild(world: &World, id: &str) -> Rebuilt {
    let mut owner = world.database.owner().await;
    let query =
        "select event_type, data::text, data_version from booking_events where booking_id = $1::uuid order by sequence";
    let mut rebuilt = Rebuilt::default();
    for row in sqlx::query(query).bind(id).fetch_all(&mut owner).await.unwrap() {
        assert_eq!(row.get::<i32, _>(2), 1);
        rebuilt.apply(row.get(0), raw(row.get(1)));
    }
    rebuilt
}

/// The tables' own rows, in the events' words.
async fn stored(world: &World, id: &str) -> (Value, Value) {
    let booking = world
        .texts(&format!(
            "select jsonb_build_object('ref_id', ref_id, 'organization_id', organization_id, 'created_by', created_by,
                    'status', status, 'origin', origin, 'destination', destination, 'pieces', pieces,
                    'weight_hg', weight_hg, 'volume_l', volume_l, 'volume_defaulted', volume_defaulted,
                    'positions', positions, 'special_handling_codes', special_handling_codes,
                    'awb_number', awb_number, 'needs_rerouting', needs_rerouting)::text
             from bookings where id = '{id}'"
        ))
        .await;
    let legs = world
        .texts(&format!(
            "select jsonb_agg(jsonb_build_object('id', id, 'sequence', sequence, 'flight_id', flight_id,
                    'flight_number', flight_number, 'origin', origin, 'destination', destination,
                    'departure_at', to_char(departure_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                    'arrival_at', to_char(arrival_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                    'status', status, 'offload_reason', offload_reason, 'space_code', space_code, 'pieces', pieces, 'weight_hg', weight_hg,
                    'volume_l', volume_l, 'positions', positions) order by sequence)::text
             from booking_legs where booking_id = '{id}'"
        ))
        .await;
    (raw(&booking[0]), raw(&legs[0]))
}

#[tokio::test]
async fn folding_the_events_gives_what_the_tables_say() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let operator = world.operator().await;
    let rich = json!({"positions": 1, "weight_kg": 100.5, "volume_m3": 1.234, "awb_number": "020-12345675",
                      "special_handling_codes": ["PER"]});
    let defaulted = json!({"volume_m3": null});
    let journeys: [(&[&Value], Value, &[&str]); 8] = [
        (&[&first], json!({}), &[]),
        (&[&first], rich, &["depart", "arrive", "deliver"]),
        (&[&first], defaulted, &["cancel"]),
        (&[&first], json!({}), &["depart", "cancel"]),
        (&[&first, &second], json!({}), &["depart", "cancel"]),
        (&[&first, &second], json!({}), &["cancel"]),
        (&[&first, &second], json!({}), &["depart", "arrive", "depart"]),
        (&[&first, &second], json!({}), &["depart", "arrive", "depart", "arrive", "deliver"]),
    ];
    for (flights, said, steps) in journeys {
        let booking = operator.book(with(order(flights), said)).await;
        let now = operator.walk(&booking, steps).await;
        let id = booking["id"].as_str().unwrap();
        let rebuilt = rebuild(&world, id).await;
        let (row, legs) = stored(&world, id).await;

        let mut facts = Value::Object(rebuilt.facts);
        facts["status"] = rebuilt.status.as_str().into();
        assert_eq!(facts, row, "{steps:?}");
        assert_eq!(Value::Array(rebuilt.legs), legs, "{steps:?}");
        assert_eq!(now["status"], rebuilt.status.as_str(), "{steps:?}");
        assert_eq!(json!(each(&now["legs"], "status")), json!(each(&legs, "status")), "{steps:?}");
    }
    world.audit().await;
}
