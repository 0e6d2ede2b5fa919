use loadmaster_testkit::{
    World, connect,
    freight::{order, path_of, text, with},
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{follow, roomy, sequence};

#[tokio::test]
async fn anyone_may_follow_a_shipment_and_sees_no_party_note_or_actor() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let said = json!({
        "awb_number": "020-12345675", "description": "HUSH goods", "customer_reference": "HUSH 1",
        "shipper": {"name": "HUSH sender"}, "consignee": {"name": "HUSH receiver", "email": "hush@example.com"},
    });
    let booking = world.customer().await.book(with(order(&[&flight]), said)).await;
    let (anyone, operator) = (world.anonymous(), world.operator().await);
    for number in [text(&booking, "ref_id"), "020-12345675", "02012345675"] {
        let mut stream = follow(&anyone, &format!("/api/v1/tracking/{number}"), None).await;
        let first = stream.expect("tracking").await;
        assert_eq!((first.id.as_str(), &first.data["event"]), ("1", &Value::Null));
        let by_get = anyone.get(&format!("/api/v1/tracking/{number}")).await.expect(200);
        assert_eq!(first.data["tracking"], by_get);
    }
    let path = format!("/api/v1/tracking/{}", text(&booking, "ref_id"));
    let mut stream = follow(&anyone, &path, None).await;
    let mut all = stream.expect("tracking").await.text;
    operator.post(&format!("{}/depart", path_of(&booking)), json!({"notes": "HUSH remark"})).await.expect(200);
    let told = stream.expect("tracking").await;
    assert_eq!((sequence(&told.data), told.data["event"]["event_type"].as_str()), (2, Some("DEPARTED")));
    assert_eq!(told.data["tracking"], anyone.get(&path).await.expect(200));
    all += &told.text;
    let mut missed = follow(&anyone, &path, Some("1")).await;
    let again = missed.expect("tracking").await;
    assert_eq!(again.data, told.data);
    all += &again.text;
    assert!(!all.to_lowercase().contains("hush"), "{all}");
    for member in ["actor", "notes", "organization_id", "created_by", "shipper", "consignee", "price", "data"] {
        assert!(!all.contains(&format!("\"{member}\"")), "{member} is shown: {all}");
    }
    for id in ["organization_id", "created_by"] {
        assert!(!all.contains(text(&booking, id)), "{id} is shown");
    }
    anyone.get("/api/v1/tracking/ACB999999/stream").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn who_missed_a_step_that_was_taken_back_never_hears_of_it() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&flight])).await;
    let path = format!("/api/v1/tracking/{}", text(&booking, "ref_id"));
    let mut present = follow(&world.anonymous(), &path, None).await;
    present.expect("tracking").await;
    operator.walk(&booking, &["depart"]).await;
    assert_eq!(present.expect("tracking").await.data["event"]["event_type"], "DEPARTED");
    let reason = json!({"reason": "HUSH mistake"});
    operator.post(&format!("{}/correct", path_of(&booking)), reason).await.expect(200);
    let corrected = present.expect("tracking").await;
    assert_eq!(corrected.data["event"]["corrects"]["sequence"], 2);
    assert_eq!(corrected.data["tracking"]["status"], "BOOKED");
    assert!(!corrected.text.contains("HUSH"), "{}", corrected.text);
    let mut absent = follow(&world.anonymous(), &path, Some("1")).await;
    let missed = absent.expect("tracking").await;
    assert_eq!((sequence(&missed.data), &missed.data), (3, &corrected.data));
}

/// Adds copies of the first event, up to this number; written past the product.
async fn lengthen(world: &World, first: u32, last: u32) {
    world
        .sql(&format!(
            "insert into booking_events
             select (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'sequence', n))).*
             from booking_events e cross join generate_series({first}, {last}) n where e.sequence = 1;
             update bookings set event_sequence = {last}, version = {last}"
        ))
        .await;
}

#[tokio::test]
async fn many_events_at_once_make_no_reader_a_slow_one() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    lengthen(&world, 2, 150).await;
    let path = format!("/api/v1/tracking/{}", text(&booking, "ref_id"));
    let mut stream = follow(&world.anonymous(), &path, None).await;
    assert_eq!(stream.expect("tracking").await.id, "150");
    // The message of the last one makes all of them known: some two megabytes.
    lengthen(&world, 151, 190).await;
    customer.patch(&path_of(&booking), json!({"pieces": 3})).await.expect(200);
    for number in 151..=191 {
        assert_eq!(sequence(&stream.expect("tracking").await.data), number);
    }
}

/// The sizes of the complete chunks of an answer.
fn chunks(answer: &[u8]) -> Vec<usize> {
    let (mut sizes, mut rest) = (Vec::new(), answer);
    let line_end =
        |text: &[u8], end: &[u8]| text.windows(end.len()).position(|part| part == end).map(|at| at + end.len());
    rest = line_end(rest, b"\r\n\r\n").map_or(&[], |start| &rest[start..]);
    while let Some(start) = line_end(rest, b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..start]).unwrap().trim(), 16).unwrap();
        let Some(next) = rest.get(start + size + 2..) else { break };
        sizes.push(size);
        rest = next;
    }
    sizes
}

#[tokio::test]
async fn what_was_missed_is_passed_on_in_portions() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let booking = world.customer().await.book(order(&[&flight])).await;
    lengthen(&world, 2, 80).await;
    let mut socket = connect(&world.base).await;
    let path = format!("/api/v1/tracking/{}/stream?last_event_id=1", text(&booking, "ref_id"));
    socket.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    let (mut read, last) = (Vec::new(), b"id: 80\nevent: tracking\n");
    let mut is_over = false;
    while !is_over {
        let mut buffer = vec![0; 1 << 20];
        let length = socket.read(&mut buffer).await.unwrap();
        assert_ne!(length, 0, "the stream goes on");
        let before = read.len().saturating_sub(last.len());
        read.extend_from_slice(&buffer[..length]);
        is_over = read[before..].windows(last.len()).any(|part| part == last);
    }
    let sizes = chunks(&read);
    // 64 KiB, and the event with which it was reached.
    assert!(sizes.iter().sum::<usize>() > 1_000_000 && sizes.iter().all(|size| *size < 128 * 1024), "{sizes:?}");
}
