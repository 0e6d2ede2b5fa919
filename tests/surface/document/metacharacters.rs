//! Every text of every request is data: what means something to SQL, a shell, a page or a spreadsheet changes nothing.
use loadmaster_testkit::{
    Answer, Client,
    payments::{audit_of_charges, with_test},
};
use serde_json::Value;

use super::{
    Operation, document,
    members::{filled, fillings},
    operations,
};

const TEXTS: [&str; 4] = [
    "'; drop table bookings cascade; --",
    "x') or ('1'='1' /* \\'; $$ */",
    "%_\\%' union select null::text, null --",
    "=cmd|'/c calc'!A1 <script>alert(1)</script> ${jndi:x} `id` $(id)",
];

/// The place of each text in a value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(entries) => {
            entries.iter().enumerate().for_each(|(index, entry)| places(entry, &format!("{at}/{index}"), found));
        }
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            let name = name.replace('~', "~0").replace('/', "~1");
            places(member, &format!("{at}/{name}"), found);
        }),
        _ => {}
    }
}

async fn send(client: &Client, operation: &Operation<'_>, path: &str, body: Option<&Value>) {
    let mut request = client.request(operation.method.parse().unwrap(), path);
    if let Some(body) = body {
        let kind = if body.is_string() { "text/csv" } else { "application/json" };
        let text = body.as_str().map_or_else(|| body.to_string(), ToOwned::to_owned);
        request = request.header("content-type", kind).body(text);
    }
    let answer = Answer::of(request).await;
    assert!(
        answer.status.as_u16() < 500,
        "{method} {path} {body:?}: {text}",
        method = operation.method,
        text = answer.text
    );
}

/// Hundreds of requests: each text of each example, in turn.
#[tokio::test]
async fn no_text_of_a_request_is_more_than_data() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let fillings = fillings(&world, &admin).await;
    let document = document();
    let (mut bodies, mut parameters) = (0, 0);
    // The callers of tests have no password that could be changed.
    let is_tried = |operation: &&Operation<'_>| {
        operation.path.starts_with("/api/v1/") && operation.path != "/api/v1/auth/password"
    };
    for operation in operations(&document).iter().filter(is_tried) {
        let path = filled(operation.path, &fillings);
        for (number, name) in operation.parameters("query").into_iter().enumerate() {
            let text = TEXTS[number % TEXTS.len()];
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, text).finish();
            send(&admin, operation, &format!("{path}?{query}"), None).await;
            parameters += 1;
        }
        for hole in operation.parameters("path") {
            let text = TEXTS[bodies % TEXTS.len()];
            let text = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
            let other = filled(&operation.path.replace(&format!("{{{hole}}}"), &text), &fillings);
            send(&admin, operation, &other, None).await;
            parameters += 1;
        }
        let content = &operation.body["requestBody"]["content"];
        let example = ["application/json", "text/csv"].into_iter().map(|kind| &content[kind]["example"]);
        let Some(example) = example.into_iter().find(|example| !example.is_null()) else { continue };
        let mut found = Vec::new();
        places(example, "", &mut found);
        for place in found {
            let mut body = example.clone();
            *body.pointer_mut(&place).unwrap() = TEXTS[bodies % TEXTS.len()].into();
            send(&admin, operation, &path, Some(&body)).await;
            bodies += 1;
        }
    }
    assert!(bodies >= 150 && parameters >= 200, "{bodies} texts in bodies and {parameters} in addresses were tried");
    assert!(!world.texts("select ref_id from bookings").await.is_empty());
    audit_of_charges(&world).await;
}
