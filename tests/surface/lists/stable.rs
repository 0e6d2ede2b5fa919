//! Whoever reads a list page by page sees each entry once that was there at the beginning and stays, whatever others do meanwhile.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use futures_util::future::join;
use loadmaster_testkit::{
    Client, NewFlight, World,
    flight_verbs::act,
    freight::{BOOKINGS, order, path_of, text},
};
use serde_json::{Value, json};

use super::described::next;

/// Reads all pages of a list while `others` do something beside each page, and once more while they do it without a pause. Returns
/// how often each entry was shown.
async fn read(reader: &Client, list: &str, key: &str, mut others: impl AsyncFnMut(usize)) -> BTreeMap<String, usize> {
    let mut shown = BTreeMap::<String, usize>::new();
    let (mut path, mut turn) = (Some(list.to_owned()), 0);
    while let Some(target) = path {
        let (page, ()) = join(reader.get(&target), others(turn)).await;
        path = next(&page);
        for entry in page.expect(200).as_array().unwrap() {
            *shown.entry(text(entry, key).to_owned()).or_default() += 1;
        }
        turn += 1;
        assert!(turn < 100, "the list does not end");
    }
    assert!(turn > 5, "only {turn} pages: nothing happened between them");
    shown
}

#[track_caller]
fn assert_each_once(shown: &BTreeMap<String, usize>, kept: &BTreeSet<String>) {
    let twice: Vec<_> = shown.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "shown more than once: {twice:?}");
    let missing: Vec<_> = kept.iter().filter(|it| !shown.contains_key(*it)).collect();
    assert!(missing.is_empty(), "never shown: {missing:?}");
}

#[tokio::test]
async fn bookings_that_stay_are_shown_once_while_others_are_made_and_cancelled() {
    for query in ["status=BOOKED&limit=3", "limit=3", "origin=DEL&destination=LHR&limit=3", "q=acb&limit=3"] {
        let world = World::start().await;
        let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
        let (customer, stranger, operator) = (world.customer().await, world.customer().await, world.operator().await);
        let mut booked = Vec::new();
        for turn in 0..24 {
            booked.push(if turn % 5 == 0 { &stranger } else { &customer }.book(order(&[&flight])).await);
            // Several of one millisecond, too.
            if turn % 3 == 0 {
                world.clock.advance(chrono::TimeDelta::milliseconds(1));
            }
        }
        // Cancelled while the list is read, from both ends; the others match all the time.
        let (gone, kept): (Vec<_>, Vec<_>) = booked.iter().enumerate().partition(|(turn, _)| turn % 4 == 1);
        let kept: BTreeSet<String> = kept.iter().map(|(_, booking)| text(booking, "ref_id").to_owned()).collect();
        let gone: Vec<&Value> = gone.into_iter().map(|(_, booking)| booking).collect();
        let shown = read(&operator, &format!("{BOOKINGS}?{query}"), "ref_id", async |turn| {
            for _ in 0..2 {
                customer.book(order(&[&flight])).await;
            }
            let last = gone.len().checked_sub(turn + 1);
            for booking in [gone.get(turn), last.map(|at| &gone[at])].into_iter().flatten().copied() {
                operator.poke(&format!("{}/cancel", path_of(booking))).await;
            }
        })
        .await;
        assert_each_once(&shown, &kept);
    }
}

#[tokio::test]
async fn bookings_that_stay_are_shown_once_under_a_load_that_does_not_wait() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1_000_000.0)).await;
    let customer = world.customer().await;
    let mut kept = BTreeSet::new();
    for _ in 0..30 {
        kept.insert(text(&customer.book(order(&[&flight])).await, "ref_id").to_owned());
    }
    let (is_over, made) = (AtomicBool::new(false), AtomicUsize::new(0));
    let load = async {
        while !is_over.load(Ordering::Relaxed) {
            let booking = customer.book(order(&[&flight])).await;
            customer.poke(&format!("{}/cancel", path_of(&booking))).await.expect(200);
            made.fetch_add(1, Ordering::Relaxed);
        }
    };
    // The list is read to its end again and again until enough has happened beside it.
    let reading = async {
        while made.load(Ordering::Relaxed) < 20 {
            let shown = read(&customer, &format!("{BOOKINGS}?limit=4"), "ref_id", async |_| ()).await;
            assert_each_once(&shown, &kept);
        }
        is_over.store(true, Ordering::Relaxed);
    };
    join(load, reading).await;
}

#[tokio::test]
async fn flights_that_stay_are_shown_once_while_others_are_made_and_cancelled() {
    let world = World::start().await;
    let (admin, mut kept, mut gone) = (world.admin().await, BTreeSet::new(), Vec::new());
    for turn in 0..24_i64 {
        // Three leave at the same moment.
        let new = NewFlight::new(&format!("AI{}", 100 + turn), "DEL", "LHR").leaves_in_hours(24 + turn / 3);
        let flight = world.flight(new).await;
        if turn % 4 == 1 {
            gone.push(flight);
        } else {
            kept.insert(text(&flight, "id").to_owned());
        }
    }
    let shown = read(&admin, "/api/v1/flights?status=SCHEDULED&limit=3", "id", async |turn| {
        for (number, hours) in [(500, 24), (700, 31)] {
            let new = NewFlight::new(&format!("AI{}", number + turn), "DEL", "BOM").leaves_in_hours(hours);
            world.flight(new).await;
        }
        if let Some(flight) = gone.get(turn) {
            act(&admin, flight, "cancel", json!({})).await.expect(200);
        }
    })
    .await;
    assert_each_once(&shown, &kept);
}

#[tokio::test]
async fn a_text_finds_whole_references_alone_and_parts_in_the_rest() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let with = |extra: Value| loadmaster_testkit::freight::with(order(&[&flight]), extra);
    let plain = customer.book(with(json!({"customer_reference": "PO-4711", "awb_number": "020-12345675"}))).await;
    let mentioning = customer.book(with(json!({"description": "As po-4711, but smaller"}))).await;
    let listed = async |client: &Client, text: &str| -> Vec<String> {
        let list = client.get(&format!("{BOOKINGS}?q={text}")).await;
        assert_eq!(next(&list), None);
        let list = list.expect(200);
        list.as_array().unwrap().iter().map(|booking| booking["ref_id"].as_str().unwrap().to_owned()).collect()
    };
    let (first, second) = (text(&plain, "ref_id").to_owned(), text(&mentioning, "ref_id").to_owned());
    for whole in ["po-4711", "020-12345675", "02012345675", "020-1234%205675", &first.to_lowercase()] {
        assert_eq!(listed(&customer, whole).await, [&*first], "{whole}");
    }
    for part in ["4711", "o-47"] {
        assert_eq!(listed(&customer, part).await, [second.clone(), first.clone()], "{part}");
    }
    assert_eq!(listed(&operator, "SMALLER").await, [second]);
    assert!(listed(&customer, "%25").await.is_empty(), "not a wildcard");
    // Another's reference is a text like any other.
    assert!(listed(&world.customer().await, &first).await.is_empty());
}
