//! The web console: its shell, its files, and what keeps other pages out.
use loadmaster_testkit::{Answer, Client, World, WorldOptions};
use reqwest::Method;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types svelte-trusted-html";

async fn ask(client: &Client, path: &str, header: (&str, &str)) -> Answer {
    Answer::of(client.request(Method::GET, path).header(header.0, header.1)).await
}

#[tokio::test]
async fn every_page_answers_the_shell_with_its_policy() {
    let world = World::start().await;
    let client = world.anonymous();
    for path in [
        "/",
        "/track",
        "/track/ACB123",
        "/sign-in",
        "/book",
        "/bookings",
        "/bookings/ACB1/documents",
        "/board",
        "/flights",
        "/flights/1",
        "/rerouting",
        "/graphiql",
        "/admin/users",
        "/account",
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
        assert_eq!(answer.header("content-security-policy"), Some(POLICY), "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-robots-tag"), path.starts_with("/track/").then_some("noindex"), "{path}");
        assert_eq!(answer.header("ratelimit-limit"), None, "{path}: opening a page uses up no quota");
    }
}

#[tokio::test]
async fn the_answer_of_the_search_page_holds_its_form_and_no_other_does() {
    let world = World::start().await;
    for (path, has_form) in [("/", true), ("/?origin=DEL", true), ("/board", false), ("/track", false)] {
        let shell = world.anonymous().get(path).await.text;
        assert_eq!(shell.contains("<form"), has_form, "{path}");
        // The policy allows neither.
        assert!(!shell.contains(" style=") && !shell.contains("<script>"), "{path}");
    }
}

#[tokio::test]
async fn an_address_without_a_page_is_not_found() {
    let world = World::start().await;
    for path in ["/nowhere", "/admin/nowhere", "/admin/users/1", "/account/keys", "/bookings/ACB1/labels"] {
        world.anonymous().get(path).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn the_shell_is_validated_and_its_files_are_kept_for_ever() {
    let world = World::start().await;
    let client = world.anonymous();
    let shell = client.get("/").await;
    let tag = shell.header("etag").unwrap().to_owned();
    let known = ask(&client, "/", ("if-none-match", &tag)).await;
    assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""));
    let head = Answer::of(client.request(Method::HEAD, "/")).await;
    assert_eq!((head.status.as_u16(), head.header("etag"), head.text.as_str()), (200, Some(tag.as_str()), ""));
    let files: Vec<_> = shell.text.split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert!(files.len() > 2, "{files:?}");
    for path in files {
        let file = client.get(path).await;
        assert_eq!(file.status, 200, "{path}");
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"), "{path}");
        let ending = path.rsplit('.').next();
        let wanted = if ending == Some("js") {
            "text/javascript"
        } else if ending == Some("css") {
            "text/css"
        } else {
            "image/svg"
        };
        assert!(file.header("content-type").unwrap().starts_with(wanted), "{path}");
    }
    let small = ask(&client, "/", ("accept-encoding", "br")).await;
    assert!(small.header("vary").is_some_and(|vary| vary.to_lowercase().contains("accept-encoding")));
}

#[tokio::test]
async fn other_addresses_stay_problems() {
    let world = World::start().await;
    let client = world.anonymous();
    for path in [
        "/nowhere",
        "/assets",
        "/assets/nothing.js",
        "/assets/../Cargo.toml",
        "/index.html",
        "/track/1/2",
        "/api/v1/board",
    ] {
        client.get(path).await.expect_problem(404, "not_found");
    }
    let answer = client.post("/board", serde_json::json!({})).await;
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    answer.expect_problem(405, "method_not_allowed");
}

#[tokio::test]
async fn without_the_console_the_root_leads_to_the_description() {
    let world = World::with(WorldOptions::default().set("console.enabled", "false")).await;
    let client = world.anonymous();
    let root = client.get("/").await;
    assert_eq!((root.status.as_u16(), root.header("location")), (307, Some("/docs/")));
    for path in ["/board", "/track/ACB1", "/assets/index.js"] {
        client.get(path).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn the_page_of_the_description_appears_in_no_frame_either() {
    let world = World::start().await;
    for path in ["/docs/", "/docs/index.html", "/docs/oauth2-redirect.html"] {
        let page = world.anonymous().get(path).await;
        assert_eq!(page.header("content-security-policy"), Some("frame-ancestors 'none'"), "{path}");
        assert_eq!(page.status, 200);
    }
}
