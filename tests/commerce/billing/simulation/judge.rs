//! Compares the books with the provider, once nothing is under way.
use std::collections::BTreeMap;

use loadmaster_testkit::freight::text;
use serde_json::Value;

use super::super::stage::Stage;
use crate::payments::provider::{Hostile, Intent};

const PAYMENTS: &str =
    "select id, hold_id, booking_id, status, amount, captured, refunded, provider_reference from payments";
const OPERATIONS: &str = "select id, payment_id, kind, amount, status from payment_operations";
/// Bookings of which more is kept than is owed, or less than is owed and was not given back by an administrator.
const BALANCES: &str = "
    select * from (
        select ref_id, status, (bill->>'paid')::bigint - (bill->>'refunded')::bigint as kept,
               coalesce((bill->>'fee')::bigint, translate(bill->'price'->'total'->>'amount', '.', '')::bigint) as owed,
               (select coalesce(sum(o.amount), 0) from payment_operations o join payments p on p.id = o.payment_id
                where p.booking_id = bookings.id and o.kind = 'REFUND' and o.amount = 10000) as given
        from bookings where (bill->>'paid')::bigint > 0) bills
    where kept > owed or kept < owed - given";

type Rows = BTreeMap<String, Value>;

pub async fn judge(stage: &Stage, hostile: &Hostile) {
    let by_id = |rows: Vec<Value>| -> Rows { rows.into_iter().map(|row| (text(&row, "id").to_owned(), row)).collect() };
    let payments = by_id(stage.rows(PAYMENTS).await);
    let operations = by_id(stage.rows(OPERATIONS).await);
    let intents = hostile.intents();
    let mut wrong = Vec::new();
    for (reference, intent) in &intents {
        wrong.extend(compare(reference, intent, payments.get(&intent.payment)));
    }
    wrong.extend(charged_twice(&intents, &payments));
    wrong.extend(unknown_to_the_provider(&intents, &payments));
    wrong.extend(journal(hostile, &operations));
    for row in stage.rows(BALANCES).await {
        wrong.push(format!("another amount is kept than is owed: {row}"));
    }
    for breach in wrong {
        stage.breach(breach);
    }
    stage.audit().await;
}

/// A payment of the provider, and ours.
fn compare(reference: &str, intent: &Intent, payment: Option<&Value>) -> Vec<String> {
    let Some(payment) = payment else {
        return vec![format!("the provider has {intent:?}, of which the books know nothing")];
    };
    let mut wrong = Vec::new();
    let status = text(payment, "status");
    let agrees = match intent.status {
        "succeeded" => status == "CAPTURED",
        "canceled" | "requires_payment_method" => matches!(status, "VOIDED" | "FAILED"),
        _ => false,
    };
    if !agrees {
        wrong.push(format!("the provider has {reference} {intent:?}, and the books {payment}"));
    }
    let is_same = payment["captured"] == intent.received && payment["refunded"] == intent.refunded;
    if !is_same {
        wrong.push(format!("the provider has moved other amounts: {reference} {intent:?}, {payment}"));
    }
    if intent.received > 0 && payment["booking_id"].is_null() {
        wrong.push(format!("the provider has captured {reference} without a booking: {payment}"));
    }
    wrong
}

fn charged_twice(intents: &BTreeMap<String, Intent>, payments: &Rows) -> Vec<String> {
    let mut charges = BTreeMap::<&str, Vec<&str>>::new();
    for (reference, intent) in intents.iter().filter(|(_, intent)| intent.received > 0) {
        let payment = payments.get(&intent.payment);
        let booking = payment.and_then(|payment| payment["booking_id"].as_str()).unwrap_or("no booking");
        charges.entry(booking).or_default().push(reference);
    }
    let twice = charges.into_iter().filter(|(_, charges)| charges.len() > 1);
    twice.map(|(booking, charges)| format!("the provider has charged {booking} by {charges:?}")).collect()
}

/// Payments that were captured, and that the provider does not have.
fn unknown_to_the_provider(intents: &BTreeMap<String, Intent>, payments: &Rows) -> Vec<String> {
    let is_known = |payment: &&Value| {
        payment["captured"] == 0
            || payment["provider_reference"].as_str().is_some_and(|reference| intents.contains_key(reference))
    };
    let unknown = payments.values().filter(|payment| !is_known(payment));
    unknown.map(|payment| format!("the provider does not have {payment}")).collect()
}

/// What the provider did once under each key is what our operations say.
fn journal(hostile: &Hostile, operations: &Rows) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut done = BTreeMap::new();
    for (kind, amount, key) in hostile.journal() {
        if done.insert(key.clone(), (kind, amount)).is_some() {
            wrong.push(format!("the provider did {key} twice"));
        }
        let is_ours = operations.get(&key).is_some_and(|own| {
            own["kind"] == kind && own["amount"] == amount && (own["status"] == "SUCCEEDED" || kind == "AUTHORIZE")
        });
        if !is_ours {
            wrong.push(format!(
                "the provider did {kind} {amount} under {key}, and the books have {:?}",
                operations.get(&key)
            ));
        }
    }
    for (key, operation) in operations {
        // What could not be voided any more had failed before.
        let is_done = done.contains_key(key) || operation["kind"] == "VOID";
        if operation["status"] == "SUCCEEDED" && !is_done {
            wrong.push(format!("the provider never did {operation}"));
        }
    }
    wrong
}
