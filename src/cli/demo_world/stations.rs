//! What some stations of the demo say: summary, tags, hours of desks, rules of acceptance, a notice, and a tip.
use chrono::Days;
use serde_json::{Value, json};

use super::{
    actor::{Actor, Stage},
    people::{AGENT, DUTY_MANAGER, SHIPPERS},
};

const STATIONS: &str = "/api/v1/stations";
/// Those that the network features, if the demo describes them.
const FEATURED: [&str; 2] = ["DEL", "DXB"];
/// The one that has a tip, if the demo describes it.
const TIPPED: &str = "FRA";
const EVERY_DAY: [u8; 7] = [1, 2, 3, 4, 5, 6, 7];
const WORKDAYS: [u8; 5] = [1, 2, 3, 4, 5];
/// For how many days the notices hold.
const NOTICED: Days = Days::new(13);

/// Describes the stations about which nothing was ever written, and leaves all others as they are. Returns the number of those
/// described.
pub(super) async fn describe(stage: &Stage) -> anyhow::Result<usize> {
    let manager = stage.actor(&DUTY_MANAGER).await?;
    // It has begun in Singapore, too, which is ahead of UTC.
    let today = stage.state.clock.now().date_naive();
    let last = today.checked_add_days(NOTICED).unwrap_or(today);
    let notice = |text: &str| json!([{"text": text, "from": today.to_string(), "to": last.to_string()}]);
    let mut bare = Vec::new();
    for (code, content) in india_and_europe().into_iter().chain(hubs(&notice)) {
        let path = format!("{STATIONS}/{code}");
        if manager.get(&path).await?["version"] == 0 {
            bare.push((code, path, content));
        }
    }
    if bare.is_empty() {
        return Ok(0);
    }
    for tag in tags() {
        manager.post("/api/v1/station-tags", &tag).await?;
    }
    let mut described = Vec::new();
    for (code, path, content) in &bare {
        if manager.put_first(path, content).await?.is_some() {
            described.push(*code);
        }
    }
    let featured: Vec<&str> = FEATURED.into_iter().filter(|code| described.contains(code)).collect();
    if !featured.is_empty() {
        manager.post(&format!("{STATIONS}/bulk"), &json!({"action": "feature", "ids": featured})).await?;
    }
    manager.post("/api/v1/station-collections", &collection()).await?;
    if described.contains(&TIPPED) {
        give_tip(&stage.actor(&SHIPPERS[0]).await?, &stage.actor(&AGENT).await?).await?;
    }
    Ok(described.len())
}

/// A customer writes a tip, and staff approves it.
async fn give_tip(customer: &Actor, agent: &Actor) -> anyhow::Result<()> {
    let tip = json!({"topic": "TRAFFIC", "text": "Trucks queue at gate 26 on Fridays from four o'clock. Gate 31 is quicker."});
    let written = customer.post(&format!("{STATIONS}/{TIPPED}/tips"), &tip).await?;
    if let Some(id) = written.as_ref().and_then(|tip| tip["id"].as_str()) {
        agent.post(&format!("/api/v1/tips/{id}/approve"), &json!({})).await?;
    }
    Ok(())
}

fn tags() -> [Value; 3] {
    [
        json!({"code": "pharma-hub", "name": "Pharma hub", "color": "#2563eb", "order": 1}),
        json!({"code": "perishables", "name": "Perishables", "color": "#16a34a", "order": 2}),
        json!({"code": "sea-air", "name": "Sea and air", "color": "#7c3aed", "order": 3}),
    ]
}

fn collection() -> Value {
    json!({
        "slug": "cool-chain", "name": "Cool chain", "stations": ["DEL", "FRA", "SIN"],
        "text": "Stations with rooms for 2 to 8 and 15 to 25 °C, from acceptance to the aircraft.",
    })
}

fn desk(desk: &str, days: &[u8], from: &str, to: &str) -> Value {
    json!({"desk": desk, "days": days, "from": from, "to": to})
}

fn contact(desk: &str, email: &str) -> Value {
    json!([{"desk": desk, "name": "Duty manager", "email": email}])
}

fn india_and_europe() -> [(&'static str, Value); 3] {
    let delhi = json!({
        "summary": "Perishables and vaccines around the clock, beside the apron.",
        "text": "Trucks enter by gate 6.\nBring the air waybill and the security declaration of each shipment.",
        "highlights": ["Rooms for 2 to 8 and 15 to 25 °C", "Fresh flowers in the aircraft two hours after acceptance"],
        "tags": ["pharma-hub", "perishables"],
        "capabilities": ["COOL_ROOM", "PHARMACEUTICALS", "LIVE_ANIMALS", "DANGEROUS_GOODS", "SCREENING"],
        "hours": [desk("EXPORT", &EVERY_DAY, "00:00", "24:00"), desk("IMPORT", &EVERY_DAY, "06:00", "22:00"),
                  desk("CUSTOMS", &WORKDAYS, "09:00", "18:00")],
        "acceptance": [{"minutes_before": 240}, {"minutes_before": 360, "handling_code": "AVI"}],
        "contacts": contact("EXPORT", "export.del@loadmaster.example"),
    });
    let frankfurt = json!({
        "summary": "The whole network under one roof, with a cool hall and an animal lounge.",
        "highlights": ["Animal lounge with veterinary officers", "Own road feeders to twelve cities"],
        "tags": ["pharma-hub"],
        "capabilities": ["COOL_ROOM", "FREEZER_ROOM", "PHARMACEUTICALS", "LIVE_ANIMALS", "HEAVY_AND_OVERSIZE"],
        "hours": [desk("EXPORT", &EVERY_DAY, "05:00", "23:00"), desk("IMPORT", &WORKDAYS, "06:00", "20:00")],
        "acceptance": [{"minutes_before": 180}, {"minutes_before": 300, "handling_code": "PIL"}],
        "contacts": contact("IMPORT", "import.fra@loadmaster.example"),
    });
    let london = json!({
        "summary": "Valuables and express freight, close to the perimeter road.",
        "capabilities": ["VALUABLES", "SCREENING", "BONDED_STORE"],
        "hours": [desk("EXPORT", &WORKDAYS, "06:00", "22:00"), desk("EXPORT", &[6, 7], "08:00", "16:00")],
        "acceptance": [{"minutes_before": 210}, {"minutes_before": 270, "handling_code": "VAL"}],
    });
    [("DEL", delhi), ("FRA", frankfurt), ("LHR", london)]
}

fn hubs(notice: &impl Fn(&str) -> Value) -> [(&'static str, Value); 2] {
    let dubai = json!({
        "summary": "The hub: connections in four hours, and freight that came by sea.",
        "tags": ["sea-air"],
        "capabilities": ["HEAVY_AND_OVERSIZE", "DANGEROUS_GOODS", "BONDED_STORE"],
        "hours": [desk("EXPORT", &EVERY_DAY, "00:00", "24:00"), desk("IMPORT", &EVERY_DAY, "00:00", "24:00")],
        "acceptance": [{"minutes_before": 150}],
    });
    let singapore = json!({
        "summary": "Cool chain from the truck to the aircraft, without a door to the heat.",
        "highlights": ["Perishables centre beside the runway"],
        "tags": ["pharma-hub", "perishables"],
        "capabilities": ["COOL_ROOM", "FREEZER_ROOM", "PHARMACEUTICALS"],
        "hours": [desk("EXPORT", &EVERY_DAY, "00:00", "24:00"), desk("CUSTOMS", &EVERY_DAY, "08:00", "20:00")],
        "acceptance": [{"minutes_before": 180}, {"minutes_before": 240, "handling_code": "PER"}],
        "notices": notice("Hall B is closed. Heavy pieces are taken in hall C."),
    });
    [("DXB", dubai), ("SIN", singapore)]
}
