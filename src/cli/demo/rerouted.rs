use anyhow::{Context, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Cast, caller::text, delivered::days, step};

/// Books a shipment over two flights, cancels the second, reroutes the shipment and delivers it. The cancelled flight
/// is the demo's own, so that no other freight is left behind. Returns the shipment's reference.
pub(super) async fn play(cast: &Cast) -> anyhow::Result<String> {
    let option = find_connection(cast).await?;
    let flights = option["flights"].as_array().context("an option has flights")?;
    let [first, onward] = flights.as_slice() else { anyhow::bail!("a connection has two flights") };
    let doomed = add_flight_like(cast, onward).await?;
    let order = json!({
        "origin": first["origin"], "destination": onward["destination"],
        "flight_ids": [first["id"], doomed["id"]], "pieces": 3, "weight_kg": 120,
    });
    let booking = cast.shipper.post("/api/v1/bookings", order).await?;
    let reference = text(&booking, "ref_id");
    let (inbound, number) = (text(first, "flight_number"), text(&doomed, "flight_number"));
    step("book", &format!("{reference}: 3 pieces, 120 kg on {inbound} and {number}"));
    cast.walk(&reference, &["depart", "arrive"]).await?;

    let cancel = format!("/api/v1/flights/{}/cancel", text(&doomed, "id"));
    let cancelled = cast.staff.post(&cancel, json!({"reason": "Demo: aircraft out of service"})).await?;
    let path = format!("/api/v1/bookings/{reference}");
    let stranded = cast.shipper.get(&path).await?;
    ensure!(
        stranded["needs_rerouting"] == true,
        "the booking without an onward flight is not marked as needing rerouting"
    );
    let place = text(&stranded, "current_airport");
    let changed = text(&cancelled, "bookings_changed");
    step("cancel", &format!("{number}: {changed} booking changed; {reference} is at {place} and needs rerouting"));

    let rerouted = cast.staff.patch(&path, json!({"flight_ids": [onward["id"]]})).await?;
    ensure!(rerouted["needs_rerouting"] == false, "the rerouted booking is still marked as needing rerouting");
    step("reroute", &format!("from {place} on {}", text(onward, "flight_number")));
    cast.walk(&reference, &["depart", "arrive", "deliver"]).await?;
    cast.show(&reference).await?;
    Ok(reference)
}

/// Finds the first bookable connection from Delhi to São Paulo in the next days.
async fn find_connection(cast: &Cast) -> anyhow::Result<Value> {
    for date in days() {
        let search = json!({"origin": "DEL", "destination": "GRU", "departure_date": date, "weight_kg": 120});
        let found = cast.anyone.post("/api/v1/routes/search", search).await?;
        let mut transit = found["transit_routes"].as_array().into_iter().flatten();
        if let Some(option) = transit.find(|option| option["bookable"] == true) {
            let over = text(option, "transit_airport");
            let hours = text(option, "total_duration_hours");
            step("search", &format!("DEL to GRU on {date}: via {over}, {hours} hours"));
            return Ok(option.clone());
        }
    }
    anyhow::bail!("the server has no bookable connection from DEL to GRU in the next three days")
}

/// Adds a flight of the demo's own beside another, under a number that is free on that day.
pub(super) async fn add_flight_like(cast: &Cast, flight: &Value) -> anyhow::Result<Value> {
    let airline = text(flight, "airline_code");
    for number in (9000..=9999).rev() {
        let new = json!({
            "flight_number": format!("{airline}{number}"),
            "origin": flight["origin"], "destination": flight["destination"],
            "departure_datetime": flight["departure_datetime"], "arrival_datetime": flight["arrival_datetime"],
            "capacity": {"weight_kg": 1000},
        });
        let (status, answer) = cast.staff.ask(Method::POST, "/api/v1/flights", Some(new)).await?;
        match status {
            StatusCode::CREATED => return Ok(answer),
            StatusCode::CONFLICT => {}
            _ => anyhow::bail!("POST /api/v1/flights answered {status}: {}", text(&answer, "detail")),
        }
    }
    anyhow::bail!("{airline} has no free flight number between 9000 and 9999 that day")
}
