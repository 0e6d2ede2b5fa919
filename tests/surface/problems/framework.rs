//! What axum and hyper would answer in their own words.
use loadmaster_testkit::{Answer, World, WorldOptions, exchange};
use reqwest::Method;
use serde_json::{Value, json};

const BOOKINGS: &str = "/api/v1/bookings";

#[tokio::test]
async fn an_unknown_address_is_not_found_whatever_is_accepted() {
    let world = World::start().await;
    for path in ["/nowhere", "/api", "/api/v1", "/api/v1/", "/api/v1/nowhere", "/api/v1/bookings/", "/docs/nowhere.js"]
    {
        for accept in ["text/html", "application/json", "image/png, */*;q=0"] {
            let request = world.anonymous().request(Method::GET, path).header("accept", accept);
            Answer::of(request).await.expect_problem(404, "not_found");
        }
    }
    let request = world.anonymous().request(Method::GET, "/api/v1/flights?limit=x").header("accept", "text/html");
    Answer::of(request).await.expect_problem(400, "validation_failed");
}

#[tokio::test]
async fn the_refusal_of_a_wrong_method_names_the_accepted_ones() {
    let world = World::start().await;
    for (method, path, allow) in [
        ("PUT", BOOKINGS, "GET,HEAD,POST"),
        ("POST", "/api/v1/bookings/ACB000000000", "DELETE,GET,HEAD,PATCH"),
        ("GET", "/api/v1/bookings/ACB000000000/depart", "POST"),
        ("HEAD", "/api/v1/auth/login", "POST"),
        ("PROPFIND", "/api/v1/regions", "GET,HEAD"),
        ("DELETE", "/livez", "GET,HEAD"),
        ("POST", "/openapi.json", "GET,HEAD"),
        ("POST", "/docs/", "GET,HEAD"),
        ("POST", "/", "GET,HEAD"),
    ] {
        let answer = Answer::of(world.anonymous().request(method.parse().unwrap(), path)).await;
        let mut told: Vec<_> = answer.header("allow").expect("Allow").split(',').map(str::trim).collect();
        told.sort_unstable();
        assert_eq!(told.join(","), allow, "{method} {path}");
        if method == "HEAD" {
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (405, ""));
        } else {
            answer.expect_problem(405, "method_not_allowed");
        }
    }
}

/// The body of an answer that was read from the wire, after its head.
fn problem_of(answer: &str) -> Value {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole head");
    assert!(head.contains("application/problem+json"), "{answer}");
    serde_json::from_str(body).expect("a problem")
}

#[tokio::test]
async fn a_body_over_the_limit_is_too_large_with_and_without_its_length() {
    let world = WorldOptions::default().set("server.max_body_bytes", "2000").start().await;
    let token = world.customer().await.token.unwrap();
    let head = format!(
        "POST {BOOKINGS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\n"
    );
    for (length, status) in [(2000, 400), (2001, 413), (200_000, 413)] {
        let body = " ".repeat(length);
        let counted = format!("{head}Content-Length: {length}\r\n\r\n{body}");
        let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n");
        for request in [counted, chunked] {
            let problem = problem_of(&exchange(&world.base, request.as_bytes()).await);
            assert_eq!(problem["status"], status, "{problem}");
            assert_eq!(problem["code"], if status == 413 { "payload_too_large" } else { "malformed_request" });
        }
    }
}

#[tokio::test]
async fn the_ordinary_limit_is_one_mebibyte_and_imports_take_more() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let spaces = |length: usize| " ".repeat(length);
    let most = 1024 * 1024;
    customer.post_raw(BOOKINGS, "application/json", spaces(most)).await.expect_problem(400, "malformed_request");
    customer.post_raw(BOOKINGS, "application/json", spaces(most + 1)).await.expect_problem(413, "payload_too_large");
    let import = admin.post_raw("/api/v1/flights/import", "text/csv", spaces(2 * most)).await;
    assert_eq!(import.status, 400, "{}", import.text);
}

#[tokio::test]
async fn only_json_is_accepted_where_json_is_required() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/problem+json", "nonsense", ""] {
        let answer = customer.post_raw(BOOKINGS, media_type, "{}").await;
        answer.expect_problem(415, "unsupported_media_type");
    }
    for media_type in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        customer.post_raw(BOOKINGS, media_type, "{}").await.expect_problem(400, "validation_failed");
    }
    let bare = Answer::of(customer.request(Method::POST, BOOKINGS).body("{}")).await;
    bare.expect_problem(415, "unsupported_media_type");
    let answer = admin.post_raw("/api/v1/flights/import", "application/json", "{}").await;
    answer.expect_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_malformed() {
    let world = World::start().await;
    let customer = world.customer().await;
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for body in [
        b"".to_vec(),
        b"   ".to_vec(),
        b"{".to_vec(),
        b"{\"weight_kg\": NaN}".to_vec(),
        b"{\"weight_kg\": Infinity}".to_vec(),
        b"{\"weight_kg\": .5}".to_vec(),
        b"{\"origin\": \"DEL\",}".to_vec(),
        b"{} {}".to_vec(),
        b"{\"origin\": \"\xff\xfe\"}".to_vec(),
        b"{\"origin\": \"\\ud800\"}".to_vec(),
        format!("{{\"description\": {}}}", nested(128)).into_bytes(),
        nested(129).into_bytes(),
        nested(100_000).into_bytes(),
    ] {
        let told = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = customer.post_raw(BOOKINGS, "application/json", body).await;
        assert_eq!(answer.status, 400, "{told}");
        answer.expect_problem(400, "malformed_request");
    }
    for (body, code) in [("[]", "wrong_type"), ("null", "wrong_type"), ("5", "wrong_type")] {
        let faults = customer.post_raw(BOOKINGS, "application/json", body).await.expect_faults();
        assert_eq!(faults, [(String::new(), code.to_owned())], "{body}");
    }
}

#[tokio::test]
async fn nesting_of_127_levels_can_be_read() {
    let world = World::start().await;
    let body = format!("{{\"description\": {}{}}}", "[".repeat(126), "]".repeat(126));
    let faults = world.customer().await.post_raw(BOOKINGS, "application/json", body).await.expect_faults();
    assert!(faults.contains(&("/description".to_owned(), "wrong_type".to_owned())), "{faults:?}");
}

#[tokio::test]
async fn a_query_that_is_no_utf_8_is_malformed_and_an_unknown_parameter_a_fault() {
    let world = World::start().await;
    for path in ["/api/v1/flights?origin=%FF", "/api/v1/flights?%FF=1", "/api/v1/routes?origin=%C3%28"] {
        world.anonymous().get(path).await.expect_problem(400, "malformed_request");
    }
    let faults = world.anonymous().get("/api/v1/flights?colour=blue&origin=DEL&origin=DEL").await.expect_faults();
    let expected = [("colour", "unknown_field"), ("origin", "invalid_format")];
    assert_eq!(faults, expected.map(|(name, code)| (name.to_owned(), code.to_owned())));
    for path in ["/api/v1/regions/%FF", "/api/v1/flights/%00", "/api/v1/tracking/%FF%FE"] {
        world.anonymous().get(path).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let world = World::start().await;
    for path in ["/api/v1/regions/DEL", "/livez", "/health", "/openapi.json", "/problems", "/metrics"] {
        let get = world.anonymous().get(path).await;
        let head = Answer::of(world.anonymous().request(Method::HEAD, path)).await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
    let absent = Answer::of(world.anonymous().request(Method::HEAD, "/api/v1/regions/QQQ")).await;
    assert_eq!((absent.status.as_u16(), absent.text.as_str()), (404, ""));
    assert_eq!(absent.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn a_body_that_ends_early_changes_nothing() {
    let world = World::start().await;
    let token = world.customer().await.token.unwrap();
    let body = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 1}).to_string();
    let request = format!(
        "POST {BOOKINGS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\nnonsense\r\n\r\n",
        body.len()
    );
    let problem = problem_of(&exchange(&world.base, request.as_bytes()).await);
    assert_eq!(problem["code"], "malformed_request");
}
