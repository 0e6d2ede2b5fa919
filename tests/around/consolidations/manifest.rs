//! House manifests: what each role reads of them, as an answer and as a table.
use std::io::Cursor;

use calamine::{Reader, Xlsx};
use loadmaster_testkit::{
    Client, World,
    freight::{each, text, with},
    notifications::Person,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{CONSOLIDATIONS, flight, join, of, part, plan, secret_part, shown, ways};

const SECRETS: [&str; 4] = ["HOUSE-4711", "Secretware", "Secretsender", "Secretreceiver"];
const AWB: &str = "020-12345675";

/// A consolidation of three organizations, with a part of each from Delhi that is ready; the second's has all texts.
struct Shared {
    world: World,
    owner: Person,
    one: Person,
    other: Person,
    consolidation: Value,
}

impl Shared {
    async fn start() -> Self {
        let world = World::start().await;
        let (owner, one, other) = (Person::new(&world).await, Person::new(&world).await, Person::new(&world).await);
        let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
        join(&world, &owner.client, &consolidation, &one).await;
        join(&world, &owner.client, &consolidation, &other).await;
        let parts = of(&consolidation, "parts");
        let volume = json!({"volume_m3": 0.5});
        for (person, wanted) in [(&owner, part("DEL")), (&one, secret_part("DEL")), (&other, part("DEL"))] {
            person.client.post(&parts, with(wanted, volume.clone())).await.expect(201);
        }
        owner.client.post(&parts, with(part("DEL"), json!({"status": "DRAFT"}))).await.expect(201);
        owner.client.post(&parts, part("BOM")).await.expect(201);
        Self { world, owner, one, other, consolidation }
    }

    fn path(&self) -> String {
        of(&self.consolidation, "masters/DEL/manifest")
    }
}

/// All cells of an exported workbook.
async fn cells(client: &Client, path: &str) -> String {
    let answer = client.request(Method::GET, &format!("{path}/export?format=xlsx")).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let table = answer.bytes().await.unwrap().to_vec();
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(table)).unwrap();
    let name = workbook.sheet_names()[0].clone();
    format!("{:?}", workbook.worksheet_range(&name).unwrap().rows().collect::<Vec<_>>())
}

#[tokio::test]
async fn a_manifest_has_the_parts_that_are_ready_with_their_sums() {
    let shared = Shared::start().await;
    let (owner, path) = (&shared.owner.client, shared.path());
    let planned = owner.get(&path).await.expect(200);
    assert_eq!(
        (&planned["name"], &planned["origin"], &planned["destination"]),
        (&json!("Week 49"), &json!("DEL"), &json!("LHR"))
    );
    assert_eq!((&planned["booking_ref"], &planned["awb_number"]), (&Value::Null, &Value::Null));
    assert_eq!(planned["totals"], json!({"parts": 3, "pieces": 6, "weight_kg": 300, "volume_m3": 1.5}));
    assert_eq!(each(&planned["parts"], "status"), ["READY"; 3]);
    let del = flight(&shared.world, "AI101", "DEL", 1000.0).await;
    owner.post(&of(&shared.consolidation, "hold"), ways(&[("DEL", &del)])).await.expect(200);
    assert_eq!(owner.get(&path).await.expect(200)["booking_ref"], Value::Null, "a hold is no booking");
    let numbers = json!({"awb_numbers": {"DEL": AWB}});
    owner.post(&of(&shared.consolidation, "book"), numbers).await.expect(200);
    let reference = shown(owner, &shared.consolidation).await["masters"][0]["booking_ref"].clone();
    let booked = owner.get(&path).await.expect(200);
    assert_eq!((&booked["booking_ref"], &booked["awb_number"]), (&reference, &json!(AWB)));
    owner.poke(&format!("/api/v1/bookings/{}/cancel", reference.as_str().unwrap())).await.expect(200);
    let cancelled = owner.get(&path).await.expect(200);
    assert_eq!((&cancelled["booking_ref"], &cancelled["awb_number"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_member_reads_the_texts_of_its_own_parts_alone_in_manifest_and_tables() {
    let shared = Shared::start().await;
    let path = shared.path();
    let seen = shared.other.client.get(&path).await;
    assert_eq!(seen.status, 200);
    let table = shared.other.client.get(&format!("{path}/export")).await;
    assert_eq!((table.status.as_u16(), table.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    assert_eq!(table.text.lines().count(), 4, "{}", table.text);
    for text in [&seen.text, &table.text, &cells(&shared.other.client, &path).await] {
        assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{text}");
        assert!(text.contains("READY") && text.contains("DEL"), "{text}");
    }
    let parts = seen.expect(200)["parts"].clone();
    for member in ["house_number", "description", "shipper", "consignee"] {
        assert!(each(&parts, member).iter().all(|value| value.is_null()), "{member}");
    }
    assert_eq!(each(&parts, "weight_kg"), [100; 3]);
    for reader in [&shared.one.client, &shared.owner.client, &shared.world.operator().await] {
        let (seen, table) = (reader.get(&path).await.text, reader.get(&format!("{path}/export")).await.text);
        for text in [seen, table, cells(reader, &path).await] {
            assert!(SECRETS.iter().all(|secret| text.contains(secret)), "{text}");
        }
    }
}

#[tokio::test]
async fn an_origin_without_parts_and_a_plan_of_others_have_no_manifest() {
    let shared = Shared::start().await;
    let (owner, path) = (&shared.owner.client, shared.path());
    for rest in ["masters/MAA/manifest", "masters/LHR/manifest", "masters/QQ/manifest"] {
        owner.get(&of(&shared.consolidation, rest)).await.expect_problem(404, "not_found");
        owner.get(&of(&shared.consolidation, &format!("{rest}/export"))).await.expect_problem(404, "not_found");
    }
    let stranger = shared.world.customer().await;
    for path in [path.clone(), format!("{path}/export"), format!("{path}?x=1"), format!("{path}/export?format=pdf")] {
        stranger.get(&path).await.expect_problem(404, "not_found");
        shared.world.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
    }
    let faults = owner.get(&format!("{path}?x=1")).await.expect_faults();
    assert_eq!(faults, [("x".to_owned(), "unknown_field".to_owned())]);
    let faults = owner.get(&format!("{path}/export?format=pdf")).await.expect_faults();
    assert_eq!(faults, [("format".to_owned(), "unknown_value".to_owned())]);
    // One who leaves reads no more.
    let of_one = of(&shared.consolidation, &format!("members/{}", shared.one.organization));
    shared.one.client.delete(&of_one).await.expect(204);
    shared.one.client.get(&path).await.expect_problem(404, "not_found");
    assert_eq!(owner.get(&path).await.expect(200)["totals"]["parts"], 2);
}

#[tokio::test]
async fn an_export_by_staff_is_recorded() {
    let shared = Shared::start().await;
    let path = format!("{}/export", shared.path());
    let admin = shared.world.admin().await;
    let recorded = async || {
        let acts = admin.get("/api/v1/admin/audit").await.expect(200);
        let acts = acts.as_array().unwrap().iter().filter(|act| text(act, "act") == "house_manifest.exported");
        acts.cloned().collect::<Vec<Value>>()
    };
    assert_eq!(shared.owner.client.get(&path).await.status, 200);
    assert_eq!(recorded().await.len(), 0, "a customer's own is not staff's");
    assert_eq!(shared.world.operator().await.get(&path).await.status, 200);
    assert_eq!(recorded().await.len(), 1);
}
