//! A flight or a booking alone.
use super::{audit, books::Books, broken, document, rows};

#[tokio::test]
async fn a_flight_is_audited_with_the_bookings_that_are_or_were_on_it() {
    let books = Books::keep().await;
    let (code, told) = document(&books.copy().await, &["--flight", &books.named("{direct}"), "--rebuild"]).await;
    assert_eq!((code, broken(&told)), (0, vec![]), "{told:#}");
    assert_eq!(told["checks"][0]["checked"], serde_json::json!({"ledger entries": 9, "flights": 1}));
    // plain, waybill, cancelled, amended, rerouted
    assert_eq!(told["checks"][4]["checked"], serde_json::json!({"bookings": 5, "events": 9}), "{told:#}");
    assert_eq!((&told["flight_id"], &told["ref_id"]), (&books.named("{direct}").into(), &serde_json::Value::Null));

    let elsewhere = "update flight_capacity set booked_weight_hg = 1 where flight_id = '{other}';
                     update bookings set status = 'DEPARTED' where id = '{pair}'";
    let spoiled = books.spoiled(elsewhere).await;
    let of = async |flight: &str| broken(&document(&spoiled, &["--flight", &books.named(flight)]).await.1);
    assert_eq!(of("{direct}").await, [0; 0]);
    assert_eq!(of("{other}").await, [2]);
    assert_eq!(of("{feeder}").await, [5]);
    assert_eq!(broken(&document(&spoiled, &[]).await.1), [2, 5]);
}

#[tokio::test]
async fn a_booking_is_audited_without_its_flights() {
    let books = Books::keep().await;
    let clean = books.copy().await;
    for name in ["plain", "pair", "cancelled", "amended", "rerouted", "lost", "offloaded", "journey", "left"] {
        // Written as people write it.
        let reference = books.named(&format!("{{{name}:ref}}")).to_lowercase();
        let (code, told) = document(&clean, &["--booking", &reference, "--rebuild"]).await;
        assert_eq!((code, broken(&told)), (0, vec![]), "{name}: {told:#}");
        let statuses: Vec<&str> =
            told["checks"].as_array().unwrap().iter().map(|check| check["status"].as_str().unwrap()).collect();
        assert_eq!(statuses[..2], ["NOT_CHECKED"; 2], "{told:#}");
        // Rules 15 and 16 are of credit and sales, 17 and 18 of flights, 19 of consolidations; 20 is of bookings.
        assert_eq!(statuses[2..12], ["OK"; 10], "{told:#}");
        assert_eq!(statuses[12..17], ["NOT_CHECKED"; 5], "{told:#}");
        assert_eq!(statuses[17..], ["OK"; 2], "{told:#}");
    }
    let spoil = "update flight_capacity set booked_weight_hg = 1 where flight_id = '{direct}';
                 update booking_legs set weight_hg = 1 where booking_id = '{plain}'";
    let spoiled = books.spoiled(spoil).await;
    let (code, told) = document(&spoiled, &["--booking", &books.named("{plain:ref}")]).await;
    assert_eq!((code, broken(&told), rows(&told, 3).len()), (1, vec![3], 1), "{told:#}");
    let (code, told) = document(&spoiled, &["--booking", &books.named("{waybill:ref}")]).await;
    assert_eq!((code, broken(&told)), (0, vec![]), "{told:#}");
    let text = audit(&spoiled, &["--booking", &books.named("{plain:ref}")]).await;
    assert_eq!(text.stdout.matches("not checked: beyond what was named").count(), 7, "{}", text.stdout);
}

#[tokio::test]
async fn a_booking_whose_reference_is_not_recorded_is_found_all_the_same() {
    let books = Books::keep().await;
    let spoiled = books.spoiled("delete from booking_refs where booking_id = '{plain}'").await;
    let (code, told) = document(&spoiled, &["--booking", &books.named("{plain:ref}")]).await;
    assert_eq!((code, broken(&told)), (1, vec![8]), "{told:#}");
}

#[tokio::test]
async fn holds_are_audited_with_their_flights_and_bookings() {
    let books = Books::keep().await;
    let clean = books.copy().await;
    let (code, told) = document(&clean, &["--flight", &books.named("{near}")]).await;
    assert_eq!((code, broken(&told)), (0, vec![]), "{told:#}");
    let held = serde_json::json!({"holds": 3, "open legs of holds": 2, "named positions": 2});
    assert_eq!(told["checks"][8]["checked"], held, "{told:#}");
    let (_, told) = document(&clean, &["--booking", &books.named("{sold:ref}")]).await;
    assert_eq!(told["checks"][8]["checked"]["holds"], 1, "{told:#}");
    let spoil = "update hold_events set event_type = 'AMENDED' where hold_id in ('{made}', '{brief}') and sequence = 2";
    let spoiled = books.spoiled(spoil).await;
    let near = document(&spoiled, &["--flight", &books.named("{near}")]).await.1;
    assert_eq!(rows(&near, 11).len(), 1, "{near:#}");
    let sold = document(&spoiled, &["--booking", &books.named("{sold:ref}")]).await.1;
    assert_eq!((broken(&sold), rows(&sold, 11).len()), (vec![9, 11], 1), "{sold:#}");
    let plain = document(&spoiled, &["--booking", &books.named("{plain:ref}")]).await.1;
    assert_eq!(broken(&plain), [0; 0], "{plain:#}");
}
