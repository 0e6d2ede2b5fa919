use chrono::{Days, NaiveDate};
use loadmaster_platform::clock::{Clock, SystemClock};
use serde_json::{Value, json};

use super::{
    Cast,
    caller::{Caller, text},
    step,
};

/// Search, book, depart, arrive, deliver, history. Returns the shipment's reference.
pub(super) async fn play(cast: &Cast) -> anyhow::Result<String> {
    let flight = find_flight(&cast.anyone).await?;
    let availability = format!("/api/v1/flights/{}/availability", text(&flight, "id"));
    let before = cast.anyone.get(&availability).await?;
    let order = json!({
        "origin": flight["origin"], "destination": flight["destination"], "flight_ids": [flight["id"]],
        "pieces": 12, "weight_kg": 480.5, "description": "Machine parts", "special_handling_codes": ["HEA"],
        "shipper": {"name": "Demo Exports", "city": "Delhi", "country_code": "IN"},
        "consignee": {"name": "Demo Imports", "city": "London", "country_code": "GB"},
    });
    let booking = cast.shipper.post("/api/v1/bookings", order).await?;
    let (reference, charged) = (text(&booking, "ref_id"), text(&booking, "chargeable_weight_kg"));
    step("book", &format!("{reference}: 12 pieces, 480.5 kg, chargeable weight {charged} kg"));
    let after = cast.anyone.get(&availability).await?;
    let kilograms = |availability: &Value| text(&availability["available"], "weight_kg");
    step("capacity", &format!("{} kg available before, {} kg after", kilograms(&before), kilograms(&after)));
    cast.walk(&reference, &["depart", "arrive", "deliver"]).await?;
    cast.show(&reference).await?;
    Ok(reference)
}

/// Returns the next three days: one of them has the flights that the demo needs.
pub(super) fn days() -> impl Iterator<Item = NaiveDate> {
    let today = SystemClock.now().date_naive();
    (1..=3).filter_map(move |day| today.checked_add_days(Days::new(day)))
}

/// Finds the first bookable direct flight from Delhi to London in the next days.
pub(super) async fn find_flight(anyone: &Caller) -> anyhow::Result<Value> {
    for date in days() {
        let search = json!({"origin": "DEL", "destination": "LHR", "departure_date": date, "weight_kg": 480.5});
        let found = anyone.post("/api/v1/routes/search", search).await?;
        let (direct, transit) = (&found["direct_flights"], &found["transit_routes"]);
        let count = |list: &Value| list.as_array().map_or(0, Vec::len);
        if let Some(flight) = direct.as_array().into_iter().flatten().find(|flight| flight["bookable"] == true) {
            let (number, local) = (text(flight, "flight_number"), text(flight, "departure_local"));
            let (direct, transit) = (count(direct), count(transit));
            step(
                "search",
                &format!("DEL to LHR on {date}: {direct} direct, {transit} connecting; {number} at {local}"),
            );
            return Ok(flight.clone());
        }
    }
    anyhow::bail!("the server has no bookable direct flight from DEL to LHR in the next three days")
}
