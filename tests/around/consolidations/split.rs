//! The split of the price: shares sum to lines, and each member reads its own.
use loadmaster::app::AuditOptions;
use loadmaster_testkit::{
    Client, World,
    billing::{Market, usd},
    breaches,
    freight::{text, with},
    notifications::Person,
    pricing::{SALES, SURCHARGES, TARIFFS, flat, make, sale, surcharge, tariff},
};
use serde_json::{Value, json};

use super::{CONSOLIDATIONS, flight, join, of, part, plan, shown, ways};

/// Holds and books the master from Delhi.
async fn book(owner: &Client, consolidation: &Value, flight: &Value) {
    owner.post(&of(consolidation, "hold"), ways(&[("DEL", flight)])).await.expect(200);
    let booked = owner.post(&of(consolidation, "book"), json!({})).await.expect(200);
    assert_eq!(booked["failed"], 0, "{booked}");
}

async fn split(client: &Client, consolidation: &Value) -> Value {
    client.get(&of(consolidation, "split")).await.expect(200)
}

fn minor(amount: &Value) -> i64 {
    text(amount, "amount").replace('.', "").parse().unwrap()
}

fn list<'a>(of: &'a Value, member: &str) -> &'a Vec<Value> {
    of[member].as_array().expect("a list")
}

/// The codes and amounts of the lines of the only master, whose shares sum to them; `-` of a sale without a code.
fn lines(split: &Value) -> Vec<(String, String)> {
    let masters = list(split, "masters");
    assert_eq!(masters.len(), 1, "{split}");
    let line = |line: &Value| {
        let sum: i64 = list(line, "shares").iter().map(|share| minor(&share["amount"])).sum();
        assert_eq!(sum, minor(&line["amount"]), "{line}");
        (line["code"].as_str().unwrap_or("-").to_owned(), text(&line["amount"], "amount").to_owned())
    };
    list(&masters[0], "lines").iter().map(line).collect()
}

fn named(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    lines.iter().map(|(code, amount)| ((*code).to_owned(), (*amount).to_owned())).collect()
}

/// The amounts of the shares in a line of the only master.
fn shares(split: &Value, line: usize) -> Vec<&str> {
    let shares = list(&split["masters"][0]["lines"][line], "shares").iter();
    shares.map(|share| text(&share["amount"], "amount")).collect()
}

#[tokio::test]
async fn a_hundred_in_three_leaves_the_cent_to_the_lowest_id() {
    let world = World::start().await;
    let owner = world.customer().await;
    let least = json!({"minimum": "100.00", "normal": "0.5", "breaks": []});
    make(&world.admin().await, TARIFFS, tariff("LEAST", least)).await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = owner.post(CONSOLIDATIONS, plan()).await.expect(201);
    for _ in 0..3 {
        owner.post(&of(&consolidation, "parts"), with(part("DEL"), json!({"weight_kg": 50}))).await.expect(201);
    }
    assert_eq!(split(&owner, &consolidation).await, json!({"masters": []}));
    owner.post(&of(&consolidation, "hold"), ways(&[("DEL", &del)])).await.expect(200);
    assert_eq!(split(&owner, &consolidation).await, json!({"masters": []}), "a hold is no booking");
    owner.post(&of(&consolidation, "book"), json!({})).await.expect(200);
    let split = split(&owner, &consolidation).await;
    assert_eq!(lines(&split), named(&[("LEAST", "100.00")]));
    assert_eq!(shares(&split, 0), ["33.34", "33.33", "33.33"]);
    let now = shown(&owner, &consolidation).await;
    let master = &split["masters"][0];
    assert_eq!((&master["origin"], &master["booking_ref"]), (&json!("DEL"), &now["masters"][0]["booking_ref"]));
    let ids = |list: &Value, member: &str| -> Vec<Value> {
        list.as_array().unwrap().iter().map(|entry| entry[member].clone()).collect()
    };
    let aboard = ids(&now["parts"], "id");
    assert_eq!(ids(&master["lines"][0]["shares"], "part_id"), aboard);

    // What is withdrawn or added afterwards is not what was booked, until the master is amended.
    let parts = of(&consolidation, "parts");
    owner.delete(&format!("{parts}/{}", text(&now["parts"][0], "id"))).await.expect(200);
    let new = owner.post(&parts, with(part("DEL"), json!({"weight_kg": 50}))).await.expect(201);
    let left = self::split(&owner, &consolidation).await;
    assert_eq!(ids(&left["masters"][0]["lines"][0]["shares"], "part_id"), aboard);
    let manifest = owner.get(&of(&consolidation, "masters/DEL/manifest")).await.expect(200);
    assert_eq!(ids(&manifest["parts"], "id"), aboard);
    let more = json!({"weight_kg": 60});
    owner.patch(&format!("{parts}/{}", text(&new, "id")), more).await.expect(200);
    owner.post(&of(&consolidation, "masters/DEL/amend"), json!({})).await.expect(200);
    let amended = self::split(&owner, &consolidation).await;
    let aboard = [aboard[1].clone(), aboard[2].clone(), new["id"].clone()];
    assert_eq!(ids(&amended["masters"][0]["lines"][0]["shares"], "part_id"), aboard);
}

#[tokio::test]
async fn a_part_that_is_changed_after_the_booking_keeps_its_share_until_the_amendment() {
    let world = World::start().await;
    let (owner, member) = (Person::new(&world).await, Person::new(&world).await);
    make(&world.admin().await, TARIFFS, flat("ALL", "9", json!({}))).await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    join(&world, &owner.client, &consolidation, &member).await;
    let (parts, half) = (of(&consolidation, "parts"), with(part("DEL"), json!({"weight_kg": 50})));
    owner.client.post(&parts, half.clone()).await.expect(201);
    let added = member.client.post(&parts, half).await.expect(201);
    book(&owner.client, &consolidation, &del).await;
    assert_eq!(shares(&split(&owner.client, &consolidation).await, 0), ["450.00", "450.00"]);
    let lighter = json!({"weight_kg": 10});
    member.client.patch(&format!("{parts}/{}", text(&added, "id")), lighter).await.expect(200);
    assert_eq!(shares(&split(&owner.client, &consolidation).await, 0), ["450.00", "450.00"], "as it was booked");
    world.audit().await;
    owner.client.post(&of(&consolidation, "masters/DEL/amend"), json!({})).await.expect(200);
    assert_eq!(shares(&split(&owner.client, &consolidation).await, 0), ["450.00", "90.00"]);
    world.audit().await;
}

#[tokio::test]
async fn the_audit_finds_a_master_whose_lines_do_not_sum_to_its_price() {
    let world = World::start().await;
    let owner = world.customer().await;
    make(&world.admin().await, TARIFFS, flat("ALL", "9", json!({}))).await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = owner.post(CONSOLIDATIONS, plan()).await.expect(201);
    owner.post(&of(&consolidation, "parts"), part("DEL")).await.expect(201);
    book(&owner, &consolidation, &del).await;
    world.audit().await;
    world.sql("update bookings set bill = jsonb_set(bill, '{price,total,amount}', '\"901.00\"')").await;
    let wrong = breaches(&world.database, AuditOptions::default()).await;
    let numbers: Vec<_> = wrong.iter().map(|check| check.rule.number).collect();
    assert!(numbers.contains(&Some(19)), "{wrong:#?}");
}

#[tokio::test]
async fn members_read_their_own_shares_and_pay_for_their_own_handling_codes() {
    let world = World::start().await;
    let (owner, one, other) = (Person::new(&world).await, Person::new(&world).await, Person::new(&world).await);
    let admin = world.admin().await;
    make(&admin, TARIFFS, flat("ALL", "9", json!({}))).await;
    make(&admin, SURCHARGES, surcharge("MYC", json!({"rate": "30"}))).await;
    let cool = json!({"rate": "50", "handling_codes": ["PER"]});
    make(&admin, SURCHARGES, surcharge("PEC", cool)).await;
    make(&admin, SALES, sale(json!({}))).await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    join(&world, &owner.client, &consolidation, &one).await;
    join(&world, &owner.client, &consolidation, &other).await;
    let parts = of(&consolidation, "parts");
    owner.client.post(&parts, part("DEL")).await.expect(201);
    one.client.post(&parts, with(part("DEL"), json!({"special_handling_codes": ["PER"]}))).await.expect(201);
    let draft = json!({"status": "DRAFT"});
    other.client.post(&parts, with(part("DEL"), draft)).await.expect(201);
    book(&owner.client, &consolidation, &del).await;
    for reader in [&owner.client, &world.operator().await] {
        let all = split(reader, &consolidation).await;
        let mut found = lines(&all);
        found.sort();
        assert_eq!(found, named(&[("-", "-180.00"), ("ALL", "1800.00"), ("MYC", "30.00"), ("PEC", "50.00")]));
        assert_eq!(shares(&all, 0), ["900.00", "900.00"]);
    }
    let own = split(&one.client, &consolidation).await;
    let mut found = lines(&own);
    found.sort();
    let expected = named(&[("-", "-90.00"), ("ALL", "900.00"), ("MYC", "15.00"), ("PEC", "50.00")]);
    assert_eq!(found, expected, "who has the code pays for it");
    for line in list(&own["masters"][0], "lines") {
        let shares = list(line, "shares");
        assert_eq!((shares.len(), &shares[0]["organization_id"]), (1, &json!(one.organization)), "{line}");
    }
    assert_eq!(split(&other.client, &consolidation).await, json!({"masters": []}), "its part does not travel");
    world.customer().await.get(&of(&consolidation, "split")).await.expect_problem(404, "not_found");
    world.anonymous().get(&of(&consolidation, "split")).await.expect_problem(401, "unauthenticated");
    let faults = owner.client.get(&of(&consolidation, "split?x=1")).await.expect_faults();
    assert_eq!(faults, [("x".to_owned(), "unknown_field".to_owned())]);
}

#[tokio::test]
async fn a_cancelled_master_gives_its_lines_back_and_shares_the_fee() {
    let mut market = Market::open().await;
    let member = Person::new(&market.world).await;
    let consolidation = market.customer.post(CONSOLIDATIONS, plan()).await.expect(201);
    join(&market.world, &market.customer, &consolidation, &member).await;
    let half = with(part("DEL"), json!({"weight_kg": 50}));
    for client in [&market.customer, &member.client] {
        client.post(&of(&consolidation, "parts"), half.clone()).await.expect(201);
    }
    book(&market.customer, &consolidation, &market.flight).await;
    let reference = shown(&market.customer, &consolidation).await["masters"][0]["booking_ref"].clone();
    let booking = json!({"ref_id": reference});
    let payments = format!("/api/v1/bookings/{}/payments", text(&booking, "ref_id"));
    let paying = market.customer.post(&payments, json!({"payment_token": "tok_ok"})).await;
    assert!(paying.status.is_success(), "{}", paying.text);
    assert_eq!(market.customer.settled(&booking).await["paid"], usd("900.00"));
    market.wait_hours(60);
    assert_eq!(lines(&split(&market.customer, &consolidation).await), named(&[("DELLHR", "900.00")]));
    market.cancel_for(&booking, "225.00").await;
    market.customer.refunded(&booking, "675.00").await;
    let ended = split(&market.customer, &consolidation).await;
    let expected = named(&[("DELLHR", "900.00"), ("REFUND", "-900.00"), ("CANCELLATION_FEE", "225.00")]);
    assert_eq!(lines(&ended), expected);
    assert_eq!(shares(&ended, 1), ["-450.00"; 2]);
    assert_eq!(shares(&ended, 2), ["112.50"; 2]);
}

#[tokio::test]
async fn what_is_kept_above_the_price_is_a_line_of_its_own() {
    let mut market = Market::open().await;
    let consolidation = market.customer.post(CONSOLIDATIONS, plan()).await.expect(201);
    let new = market.customer.post(&of(&consolidation, "parts"), part("DEL")).await.expect(201);
    book(&market.customer, &consolidation, &market.flight).await;
    let reference = shown(&market.customer, &consolidation).await["masters"][0]["booking_ref"].clone();
    let booking = json!({"ref_id": reference});
    let payments = format!("/api/v1/bookings/{}/payments", text(&booking, "ref_id"));
    let paying = market.customer.post(&payments, json!({"payment_token": "tok_ok"})).await;
    assert!(paying.status.is_success(), "{}", paying.text);
    market.customer.settled(&booking).await;
    // A quarter of 900 is due for a cancellation now, and stays due for less freight.
    market.wait_hours(60);
    let path = of(&consolidation, &format!("parts/{}", text(&new, "id")));
    market.customer.patch(&path, json!({"weight_kg": 10, "volume_m3": null})).await.expect(200);
    market.customer.post(&of(&consolidation, "masters/DEL/amend"), json!({})).await.expect(200);
    let kept = split(&market.customer, &consolidation).await;
    assert_eq!(lines(&kept), named(&[("DELLHR", "90.00"), ("CHANGE_FEE", "135.00")]));
}
