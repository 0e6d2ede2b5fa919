use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::{
    Cast,
    caller::{Caller, text},
    delivered::find_flight,
    paid, register, rerouted, step,
};

/// Weight of the shipment that waits, and of the one that fills the flight.
const WAITS_KG: u32 = 300;
const FULL_KG: u32 = 1000;
/// Maximum wait for an offer, which comes within seconds.
const PATIENCE: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_millis(200);

/// A guest holds space, completes the shipment step by step and commits it.
pub(super) async fn play(cast: &Cast) -> anyhow::Result<()> {
    let flight = find_flight(&cast.anyone).await?;
    let guest = cast.anyone.with_session(&cast.anyone.poke("/api/v1/auth/guest").await?);
    step("guest", "an access token without an account");
    let hold = guest.post("/api/v1/holds", json!({"flight_ids": [flight["id"]], "weight_kg": 120})).await?;
    let path = format!("/api/v1/holds/{}", text(&hold, "id"));
    let (number, until) = (text(&flight, "flight_number"), text(&hold, "expires_at"));
    step("hold", &format!("120 kg on {number} until {until}; missing: {}", missing(&hold)));
    let parties = json!({
        "shipper": {"name": "Demo Exports", "city": "Delhi", "country_code": "IN"},
        "consignee": {"name": "Demo Imports", "city": "London", "country_code": "GB"},
    });
    let named = guest.patch(&path, parties).await?;
    step("amend", &format!("shipper and consignee; version {}, missing: {}", text(&named, "version"), missing(&named)));
    let counted = guest.patch(&path, json!({"pieces": 4, "description": "Samples"})).await?;
    step("amend", &format!("4 pieces; version {}, missing: {}", text(&counted, "version"), missing(&counted)));
    let mut commit = json!({"contact": {"email": "guest@example.com"}});
    // Guests pay at once where there is something to pay.
    if counted["quote"].is_object() {
        step("price", &paid::money(&counted["quote"]["total"]));
        commit["payment_token"] = paid::TOKEN.into();
    }
    let booking = guest.post(&format!("{path}/commit"), commit).await?;
    let reference = text(&booking, "ref_id");
    let committed = guest.get(&path).await?;
    ensure!(committed["booking_ref"] == booking["ref_id"], "the committed hold does not show its booking");
    step("commit", &format!("{reference}: 4 pieces, 120 kg; the hold is {}", text(&committed, "status")));
    Ok(())
}

fn missing(hold: &Value) -> String {
    let members: Vec<&str> = hold["missing"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if members.is_empty() { "nothing".to_owned() } else { members.join(", ") }
}

/// A shipper waits for a full flight; another one's booking is cancelled, and the offer is booked. The flight is the
/// demo's own. Returns the reference of the cancelled booking.
pub(super) async fn play_waitlist(cast: &Cast) -> anyhow::Result<String> {
    let like = find_flight(&cast.anyone).await?;
    let flight = rerouted::add_flight_like(cast, &like).await?;
    let number = text(&flight, "flight_number");
    let order = json!({
        "origin": flight["origin"], "destination": flight["destination"], "flight_ids": [flight["id"]],
        "pieces": 20, "weight_kg": FULL_KG,
    });
    let full = text(&cast.shipper.post("/api/v1/bookings", order).await?, "ref_id");
    step("book", &format!("{full}: {FULL_KG} kg, all of {number}"));
    let waiter = register(&cast.anyone, "waiter").await?;
    let wanted = json!({"flight_ids": [flight["id"]], "weight_kg": WAITS_KG});
    let entry = waiter.post("/api/v1/waitlist", wanted).await?;
    let path = format!("/api/v1/waitlist/{}", text(&entry, "id"));
    let place = text(&waiter.get(&path).await?, "place");
    step("wait", &format!("another shipper, {WAITS_KG} kg: place {place} on the waitlist of {number}"));
    let cancelled = cast.shipper.poke(&format!("/api/v1/bookings/{full}/cancel")).await?;
    step("cancel", &format!("{full} is {}", text(&cancelled, "status")));
    let offer = offered(&waiter, &path).await?;
    step("offer", &format!("{} kg until {}", text(&offer, "weight_kg"), text(&offer, "expires_at")));
    let booking = waiter.post(&format!("{path}/book"), json!({"pieces": 6})).await?;
    let entry = waiter.get(&path).await?;
    ensure!(entry["booking_ref"] == booking["ref_id"], "the entry of the waitlist does not show its booking");
    let (reference, status) = (text(&booking, "ref_id"), text(&entry, "status"));
    step("book", &format!("{reference}: {WAITS_KG} kg on {number}; the entry is {status}"));
    Ok(full)
}

/// Waits until space is offered to an entry of the waitlist, and returns the hold.
async fn offered(waiter: &Caller, path: &str) -> anyhow::Result<Value> {
    let began = Instant::now();
    loop {
        let entry = waiter.get(path).await?;
        if entry["status"] == "OFFERED" {
            return entry.get("offer").cloned().context("an offered entry has its offer");
        }
        ensure!(began.elapsed() < PATIENCE, "no offer came; the entry is {}", text(&entry, "status"));
        tokio::time::sleep(INTERVAL).await;
    }
}
