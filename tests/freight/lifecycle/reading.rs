//! Who reads while freight moves sees each step whole or not at all.
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use loadmaster_testkit::{
    Client, World,
    freight::{BOOKINGS, each, order, path_of},
};
use serde_json::{Value, json};

use super::two_flights;

/// The booking's and its legs' statuses by version, on an undisturbed journey of two legs.
const WHOLE: [(&str, [&str; 2]); 6] = [
    ("BOOKED", ["BOOKED", "BOOKED"]),
    ("DEPARTED", ["DEPARTED", "BOOKED"]),
    ("ARRIVED", ["ARRIVED", "BOOKED"]),
    ("DEPARTED", ["ARRIVED", "DEPARTED"]),
    ("ARRIVED", ["ARRIVED", "ARRIVED"]),
    ("DELIVERED", ["ARRIVED", "ARRIVED"]),
];

fn assert_whole(booking: &Value) {
    let version = booking["version"].as_u64().expect("a version");
    let (status, legs) = WHOLE[usize::try_from(version - 1).unwrap()];
    assert_eq!(booking["status"], status, "version {version}");
    assert_eq!(json!(each(&booking["legs"], "status")), json!(legs), "version {version}");
}

async fn read_until(done: Arc<AtomicBool>, reader: Client, path: String) {
    while !done.load(Ordering::Relaxed) {
        assert_whole(&reader.get(&path).await.expect(200));
        for booking in reader.get(BOOKINGS).await.expect(200).as_array().unwrap() {
            assert_whole(booking);
        }
        let history = reader.get(&format!("{path}/history")).await.expect(200);
        assert_whole(&history["booking"]);
        assert_eq!(json!(history["timeline"].as_array().unwrap().len()), history["booking"]["version"]);
    }
}

#[tokio::test]
async fn a_reader_never_sees_half_a_step() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let operator = world.operator().await;
    for _ in 0..10 {
        let booking = operator.book(order(&[&first, &second])).await;
        let done = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> =
            (0..3).map(|_| tokio::spawn(read_until(done.clone(), operator.clone(), path_of(&booking)))).collect();
        operator.walk(&booking, &["depart", "arrive", "depart", "arrive", "deliver"]).await;
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.await.expect("the reader saw whole bookings");
        }
    }
    world.audit().await;
}
