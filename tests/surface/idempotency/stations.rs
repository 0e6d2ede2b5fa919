//! What is done to stations, their tags and collections, images and tips.
use loadmaster_testkit::{Client, World, freight::text};
use serde_json::{Value, json};

use super::operations::Deed;

pub(super) const TAGS: &str = "/api/v1/station-tags";
pub(super) const COLLECTIONS: &str = "/api/v1/station-collections";
pub(super) const TAG: &str = "/api/v1/station-tags/{id}";
pub(super) const COLLECTION: &str = "/api/v1/station-collections/{id}";
pub(super) const STATION: &str = "/api/v1/stations/{code}";
pub(super) const IMAGE: &str = "/api/v1/stations/{code}/image";
pub(super) const LOGO: &str = "/api/v1/airlines/{code}/logo";
pub(super) const IMPORT: &str = "/api/v1/stations/import";
pub(super) const TIPS: &str = "/api/v1/stations/{code}/tips";
pub(super) const REPORT: &str = "/api/v1/tips/{id}/report";

/// A WebP of one pixel, as far as its header goes: in ASCII.
pub(super) const PIXEL: &str = "RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0";

async fn made(caller: &Client, list: &str, body: Value) -> String {
    let entry = caller.post(list, body).await.expect(201);
    format!("{list}/{}", text(&entry, "id"))
}

pub(super) async fn deeds(world: &World, caller: &Client) -> Vec<Deed> {
    let tag = |code: &str| json!({"code": code, "name": "Hub", "color": "#2563eb"});
    let collection = |slug: &str| json!({"slug": slug, "name": "Asia", "stations": ["DEL"]});
    let (former_tag, former) =
        (made(caller, TAGS, tag("hub")).await, made(caller, COLLECTIONS, collection("asia")).await);
    let author = world.customer().await;
    let mut tips = Vec::new();
    for _ in 0..3 {
        let tip = json!({"topic": "OTHER", "text": "Use gate 2."});
        let tip = author.post("/api/v1/stations/DEL/tips", tip).await.expect(202);
        tips.push(format!("/api/v1/tips/{}", text(&tip, "id")));
    }
    let [approved, rejected, reported] = tips.try_into().unwrap();
    caller.poke(&format!("{reported}/approve")).await.expect(200);
    let deed = |method, template, path: &str, body, status| Deed {
        operation: (method, template),
        path: path.to_owned(),
        body,
        status,
    };
    let name = || Some(json!({"name": "Another name"}));
    let tip = json!({"topic": "TRAFFIC", "text": "Use gate 3."});
    vec![
        deed("POST", TAGS, TAGS, Some(tag("gate")), 201),
        deed("PATCH", TAG, &former_tag, name(), 200),
        deed("DELETE", TAG, &former_tag, None, 200),
        deed("POST", COLLECTIONS, COLLECTIONS, Some(collection("europe")), 201),
        deed("PATCH", COLLECTION, &former, name(), 200),
        deed("DELETE", COLLECTION, &former, None, 200),
        deed("PUT", STATION, "/api/v1/stations/DEL", Some(json!({"summary": "Two halls."})), 200),
        deed("POST", IMPORT, IMPORT, Some(json!("iata_code,summary\nBOM,One hall\n")), 200),
        deed("PUT", IMAGE, "/api/v1/stations/DEL/image", Some(json!(PIXEL)), 200),
        deed("DELETE", IMAGE, "/api/v1/stations/DEL/image", None, 204),
        deed("PUT", LOGO, "/api/v1/airlines/AI/logo", Some(json!(PIXEL)), 200),
        deed("DELETE", LOGO, "/api/v1/airlines/AI/logo", None, 204),
        deed("POST", TIPS, "/api/v1/stations/DEL/tips", Some(tip), 202),
        deed("POST", "/api/v1/tips/{id}/approve", &format!("{approved}/approve"), None, 200),
        deed("POST", "/api/v1/tips/{id}/reject", &format!("{rejected}/reject"), Some(json!({"reason": "Old"})), 200),
        deed("POST", REPORT, &format!("{reported}/report"), None, 204),
    ]
}
