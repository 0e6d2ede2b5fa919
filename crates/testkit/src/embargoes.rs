//! Embargoes.
use serde_json::{Value, json};

use crate::{Client, freight::with};

pub const EMBARGOES: &str = "/api/v1/embargoes";

/// Forbids all freight everywhere from 2026 on; these members narrow it.
pub fn embargo(members: Value) -> Value {
    let all = json!({"name": "Strike", "reason": "No ground staff", "origin": "*", "destination": "*",
                     "valid_from": "2026-01-01", "effect": "FORBID"});
    with(all, members)
}

/// The freight that these concern needs one of these codes.
pub fn only_with(codes: &[&str], members: Value) -> Value {
    with(embargo(json!({"name": "Cool chain", "effect": {"require_any": codes}})), members)
}

/// Puts it into force.
pub async fn impose(admin: &Client, embargo: Value) -> Value {
    admin.post(EMBARGOES, embargo).await.expect(201)
}

pub fn path_of(embargo: &Value) -> String {
    format!("{EMBARGOES}/{}", embargo["id"].as_str().expect("an id"))
}

pub fn carrying(order: Value, codes: &[&str]) -> Value {
    with(order, json!({"special_handling_codes": codes}))
}
