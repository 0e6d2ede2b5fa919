//! What stations say.
use reqwest::Method;
use serde_json::{Value, json};

use super::Client;

/// Has a station of this version take freight by these rules alone; with them it has the next version.
pub async fn accept(staff: &Client, code: &str, version: i32, rules: Value) {
    let (path, tag) = (format!("/api/v1/stations/{code}"), format!("\"{version}\""));
    staff.change_if(Method::PUT, &path, &tag, json!({ "acceptance": rules })).await.expect(200);
}
