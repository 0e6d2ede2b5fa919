//! What letters say, as the mailbox keeps them.
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::{World, WorldOptions, freight::text, notifications::heard, until};

pub const MAILBOX: &str = "/api/v1/admin/mailbox";

/// A server that writes letters into files.
pub async fn writing(directory: &Path) -> World {
    let options = WorldOptions::working().set("mail.transport", "mailbox").set("sms.transport", "mailbox");
    // The clock stands still, and with it the rate.
    let options = options.set("mail.per_minute", "60000");
    options.set("embedded.data_dir", directory.to_str().unwrap()).start().await
}

pub fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A member of staff whose token is of now.
pub async fn letters(world: &World) -> Vec<Value> {
    heard(world).await;
    let admin = world.admin().await;
    let list = admin.get(&format!("{MAILBOX}?limit=100")).await.expect(200);
    let mut letters = Vec::new();
    for letter in list.as_array().unwrap() {
        letters.push(admin.get(&format!("{MAILBOX}/{}", text(letter, "id"))).await.expect(200));
    }
    letters
}

/// Waits for a letter of this type to somebody.
pub async fn letter(world: &World, kind: &str, to: &str) -> Value {
    let find =
        |all: Vec<Value>| all.into_iter().find(|letter| text(letter, "type") == kind && text(letter, "to") == to);
    until(&format!("{kind} is sent to {to}"), async || find(letters(world).await).is_some()).await;
    find(letters(world).await).unwrap()
}

/// Waits until nothing waits any more.
pub async fn sent(world: &World) {
    heard(world).await;
    until("nothing waits", async || {
        world.texts("select id::text from notifications where status = 'WAITING'").await.is_empty()
    })
    .await;
}
