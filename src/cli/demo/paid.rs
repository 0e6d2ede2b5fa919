use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Value, json};

use super::{Cast, caller::text, delivered::find_flight, letters::Last, step};

/// Longest wait for a refund, which comes within a second.
const PATIENCE: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_millis(100);

/// A token of the provider `test`, which charges nobody.
pub(super) const TOKEN: &str = "tok_visa";

/// A shipper asks for a price, books by it and pays, and cancels: a fee is kept, and the rest goes back. Returns the
/// shipper's last notification; `None` if the part was left out.
pub(super) async fn play(cast: &Cast) -> anyhow::Result<Option<Last>> {
    let flight = find_flight(&cast.anyone).await?;
    let asked = json!({
        "origin": flight["origin"], "destination": flight["destination"], "flight_ids": [flight["id"]],
        "weight_kg": 98, "volume_m3": 0.4,
    });
    let (status, quote) = cast.shipper.ask(reqwest::Method::POST, "/api/v1/quotes", Some(asked)).await?;
    if quote["code"] == "no_rate" {
        step("quote", "left out: this server has no tariff for the flight");
        return Ok(None);
    }
    ensure!(status.is_success(), "POST /api/v1/quotes answered {status}: {}", text(&quote, "detail"));
    step("quote", &format!("98 kg on {}: {}", text(&flight, "flight_number"), money(&quote["total"])));
    for line in quote["lines"].as_array().into_iter().flatten() {
        step("", &format!("{:<4} {:<42} {}", text(line, "code"), text(line, "text"), money(&line["amount"])));
    }
    let order = json!({
        "origin": flight["origin"], "destination": flight["destination"], "flight_ids": [flight["id"]], "pieces": 2,
        "weight_kg": 98, "volume_m3": 0.4, "quote_id": quote["id"], "expected_total": quote["total"],
        "payment_token": TOKEN,
    });
    let (status, booking) = cast.shipper.ask(reqwest::Method::POST, "/api/v1/bookings", Some(order)).await?;
    if booking["code"] == "payment_not_possible" {
        step("pay", "left out: this server has no payment provider");
        return Ok(None);
    }
    ensure!(status.is_success(), "POST /api/v1/bookings answered {status}: {}", text(&booking, "detail"));
    let reference = text(&booking, "ref_id");
    let path = format!("/api/v1/bookings/{reference}");
    step("pay", &format!("{reference}: {} paid; {}", money(&booking["paid"]), text(&booking, "payment_status")));
    let estimate = cast.shipper.get(&format!("{path}/cancellation")).await?;
    step(
        "ask",
        &format!("cancelling now keeps {} and returns {}", money(&estimate["fee"]), money(&estimate["refund"])),
    );
    cast.shipper.poke(&format!("{path}/cancel")).await?;
    let cancelled = refunded(cast, &path, &estimate["refund"]).await?;
    let (fee, refunded) = (money(&cancelled["cancellation_fee"]), money(&cancelled["refunded"]));
    step("cancel", &format!("{reference} is {}: fee {fee}, refunded {refunded}", text(&cancelled, "status")));
    // A capture and a refund are reported each, the refund after the cancellation.
    let count = ["paid", "refunded"].iter().filter(|member| is_positive(&cancelled[**member])).count();
    let kind = if count == 0 { "cancelled" } else { "payment" };
    Ok(Some(Last { count: count.max(1), ..Last::about(reference, kind) }))
}

fn is_positive(amount: &Value) -> bool {
    text(amount, "amount").parse().is_ok_and(|amount: f64| amount > 0.0)
}

/// Waits until the provider has returned this amount, and returns the booking.
async fn refunded(cast: &Cast, path: &str, refund: &Value) -> anyhow::Result<Value> {
    let began = Instant::now();
    loop {
        let booking = cast.shipper.get(path).await?;
        if booking["refunded"] == *refund {
            return Ok(booking);
        }
        ensure!(began.elapsed() < PATIENCE, "the refund was not made: {}", money(&booking["refunded"]));
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Returns an amount with its currency.
pub(super) fn money(amount: &Value) -> String {
    format!("{} {}", text(amount, "amount"), text(amount, "currency"))
}
