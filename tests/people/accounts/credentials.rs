use std::collections::BTreeSet;

use loadmaster_testkit::{Client, World};
use serde_json::{Value, json};
use sqlx::Row;
use tokio::task::JoinSet;

use super::{PASSWORD, disable, log_in, members, register, without_request_id};

/// What registering and logging in answer (api, section 2).
#[track_caller]
fn assert_session(session: &Value, email: &str, name: Option<&str>) {
    assert_eq!(members(session), ["access_token", "expires_in", "refresh_token", "token_type", "user"]);
    assert_eq!(session["token_type"], "bearer");
    assert_eq!(session["expires_in"], 900);
    assert_eq!(session["access_token"].as_str().unwrap().split('.').count(), 3, "a JWT");
    assert!(session["refresh_token"].as_str().unwrap().len() >= 32);
    let user = &session["user"];
    let all = [
        "created_at",
        "email",
        "email_verified",
        "home_airport",
        "id",
        "language",
        "name",
        "organization_id",
        "phone",
        "phone_verified",
        "role",
        "updated_at",
        "weight_unit",
    ];
    assert_eq!(members(user), all);
    assert_eq!(
        [&user["email_verified"], &user["phone"], &user["phone_verified"]],
        [&json!(false), &Value::Null, &json!(false)]
    );
    assert_eq!((&user["language"], &user["weight_unit"]), (&Value::Null, &json!("kg")));
    assert_eq!(user["home_airport"], Value::Null);
    assert_eq!(user["email"], email);
    assert_eq!(user["name"].as_str(), name);
    assert_eq!(user["role"], "customer");
}

#[tokio::test]
async fn registering_makes_a_customer_with_an_organization_of_its_own_and_logs_it_in() {
    let world = World::start().await;
    let body = json!({"email": "Ann@Forwarder.example", "password": PASSWORD, "name": " Ann Smith "});
    let answer = world.anonymous().post("/api/v1/auth/register", body).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let session = answer.expect(201);
    assert_session(&session, "Ann@Forwarder.example", Some("Ann Smith"));
    let other = register(&world.anonymous(), "bob@forwarder.example", PASSWORD).await.expect(201);
    assert_session(&other, "bob@forwarder.example", None);
    assert_ne!(session["user"]["organization_id"], other["user"]["organization_id"]);

    let ann = world.anonymous().with_token(session["access_token"].as_str().unwrap());
    let me = ann.get("/api/v1/auth/me").await;
    assert_eq!(me.header("cache-control"), Some("private, no-cache"));
    assert_eq!(me.expect(200), session["user"]);
    ann.get("/api/v1/bookings").await.expect(200);
}

#[tokio::test]
async fn logging_in_answers_like_registering_whatever_the_case_of_the_address() {
    let world = World::start().await;
    let client = world.anonymous();
    let registered = register(&client, "Ann@Forwarder.example", PASSWORD).await.expect(201);
    for email in ["Ann@Forwarder.example", "ann@forwarder.EXAMPLE", " ann@forwarder.example "] {
        let answer = log_in(&client, email, PASSWORD).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let session = answer.expect(200);
        assert_session(&session, "Ann@Forwarder.example", None);
        assert_eq!(session["user"], registered["user"]);
        assert_ne!(session["refresh_token"], registered["refresh_token"]);
    }
}

#[tokio::test]
async fn an_address_is_registered_once_whatever_its_case() {
    let world = World::start().await;
    let client = world.anonymous();
    register(&client, "ann@forwarder.example", PASSWORD).await.expect(201);
    for email in ["ann@forwarder.example", "ANN@FORWARDER.EXAMPLE", "  Ann@forwarder.example"] {
        register(&client, email, PASSWORD).await.expect_problem(409, "already_exists");
    }
}

#[tokio::test]
async fn one_of_twelve_concurrent_registrations_of_an_address_succeeds() {
    let world = World::start().await;
    let client = world.anonymous();
    let spellings = ["ann@forwarder.example", "Ann@Forwarder.example", "ANN@FORWARDER.EXAMPLE"];
    let mut racers = JoinSet::new();
    for racer in 0..12 {
        let client = client.clone();
        racers.spawn(async move { register(&client, spellings[racer % 3], PASSWORD).await });
    }
    let answers = racers.join_all().await;
    let won = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(won, 1);
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.expect_problem(409, "already_exists");
    }
    let mut owner = world.database.owner().await;
    for table in ["users", "organizations", "refresh_tokens"] {
        let count = format!("select count(*) from {table}");
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(&mut owner).await.unwrap();
        assert_eq!(rows, 1, "{table}");
    }
}

#[tokio::test]
async fn a_password_has_10_to_128_characters_and_is_neither_common_nor_the_address() {
    let world = World::start().await;
    let client = world.anonymous();
    let email = "ann.smith@forwarder.example";
    for (password, code) in [
        ("ninechars".to_owned(), "too_short"),
        ("é".repeat(9), "too_short"),
        ("é".repeat(129), "too_long"),
        ("qwertyuiop".to_owned(), "invalid_format"),
        ("QwertyUiop".to_owned(), "invalid_format"),
        ("1Q2W3E4R5T".to_owned(), "invalid_format"),
        (email.to_owned(), "invalid_format"),
        (email.to_uppercase(), "invalid_format"),
        ("with\u{0}control".to_owned(), "invalid_format"),
    ] {
        let faults = register(&client, email, &password).await.expect_faults();
        assert_eq!(faults, [("/password".to_owned(), code.to_owned())], "{password}");
    }
    for (number, password) in ["tenletters".to_owned(), "é".repeat(10), "éü".repeat(64)].iter().enumerate() {
        let email = format!("ann{number}@forwarder.example");
        register(&client, &email, password).await.expect(201);
        log_in(&client, &email, password).await.expect(200);
    }
}

#[tokio::test]
async fn a_refused_registration_names_every_fault_and_leaves_nothing_behind() {
    let world = World::start().await;
    let body = json!({"email": "ann", "password": "short", "name": "", "role": "admin"});
    let faults = world.anonymous().post("/api/v1/auth/register", body).await.expect_faults();
    let told: Vec<_> = faults.iter().map(|(place, code)| (place.as_str(), code.as_str())).collect();
    let expected =
        [("/email", "invalid_format"), ("/name", "too_short"), ("/password", "too_short"), ("/role", "unknown_field")];
    assert_eq!(told, expected);
    let faults = world.anonymous().post("/api/v1/auth/login", json!({})).await.expect_faults();
    assert_eq!(faults, ["/email", "/password"].map(|place| (place.to_owned(), "required".to_owned())));
    let mut owner = world.database.owner().await;
    let rows: i64 = sqlx::query_scalar("select (select count(*) from users) + (select count(*) from organizations)")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_are_answered_alike() {
    let world = World::start().await;
    let client = world.anonymous();
    register(&client, "ann@forwarder.example", PASSWORD).await.expect(201);
    let wrong = log_in(&client, "ann@forwarder.example", "correct horse batterY").await;
    let unknown = log_in(&client, "bob@forwarder.example", PASSWORD).await;
    let names = |answer: &loadmaster_testkit::Answer| -> BTreeSet<String> {
        answer.headers.keys().map(ToString::to_string).collect()
    };
    assert_eq!(names(&wrong), names(&unknown));
    let wrong = without_request_id(wrong.expect_problem(401, "invalid_credentials"));
    let unknown = without_request_id(unknown.expect_problem(401, "invalid_credentials"));
    assert_eq!(wrong, unknown);
}

#[tokio::test]
async fn a_disabled_account_is_reported_only_with_its_password() {
    let world = World::start().await;
    let client = world.anonymous();
    register(&client, "ann@forwarder.example", PASSWORD).await.expect(201);
    disable(&world, "ann@forwarder.example").await;
    log_in(&client, "ann@forwarder.example", PASSWORD).await.expect_problem(403, "account_disabled");
    log_in(&client, "ann@forwarder.example", "wrong password").await.expect_problem(401, "invalid_credentials");
}

#[tokio::test]
async fn neither_passwords_nor_tokens_lie_in_the_database() {
    let world = World::start().await;
    let client = world.anonymous();
    let registered = register(&client, "ann@forwarder.example", PASSWORD).await.expect(201);
    let logged_in = log_in(&client, "ann@forwarder.example", PASSWORD).await.expect(200);
    let form = format!("grant_type=password&username=ann@forwarder.example&password={PASSWORD}");
    let form_type = "application/x-www-form-urlencoded";
    let token = client.post_raw("/api/v1/auth/token", form_type, form).await.expect(200);

    let everything = every_row(&world).await;
    let hash: String = sqlx::query_scalar("select password_hash from users")
        .fetch_one(&mut world.database.owner().await)
        .await
        .unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert!(everything.contains(&hash), "the search sees every table");
    assert!(!everything.contains(PASSWORD));
    for session in [&registered, &logged_in, &token] {
        let refresh_token = session["refresh_token"].as_str().unwrap();
        assert!(!everything.contains(refresh_token));
        assert!(!everything.contains(&hexadecimal(refresh_token.as_bytes())), "bytea is shown in hexadecimal");
        assert!(!everything.contains(session["access_token"].as_str().unwrap()));
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, refresh_token.as_bytes());
        assert!(everything.contains(&hexadecimal(digest.as_ref())), "its SHA-256 is kept");
    }
}

/// All that is in the database, as text.
async fn every_row(world: &World) -> String {
    let mut owner = world.database.owner().await;
    let tables = "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                  where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition";
    let tables = sqlx::query(tables).fetch_all(&mut owner).await.unwrap();
    assert!(tables.len() > 10);
    let mut everything = String::new();
    for table in tables {
        let name: String = table.get(0);
        let query = format!("select coalesce(string_agg(t::text, E'\\n'), '') from {name} t");
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&mut owner).await.unwrap();
        everything.push_str(&rows);
    }
    everything
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[tokio::test]
async fn credentials_in_the_body_are_read_whatever_the_authorization_header_says() {
    let world = World::start().await;
    let confused = Client { token: Some("no.good.token".to_owned()), ..world.anonymous() };
    register(&confused, "ann@forwarder.example", PASSWORD).await.expect(201);
    log_in(&confused, "ann@forwarder.example", PASSWORD).await.expect(200);
}
