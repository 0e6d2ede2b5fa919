//! The page that shows the API, without the internet.
use loadmaster_testkit::World;

#[tokio::test]
async fn the_documentation_has_an_address_without_a_slash() {
    let world = World::start().await;
    let answer = world.anonymous().get("/docs").await;
    assert!(answer.status.is_redirection());
    assert!(answer.header("location").unwrap().ends_with("/docs/"));
}

/// The values of `src` and `href` in a page.
fn references(html: &str) -> Vec<&str> {
    let after = |mark: &'static str| html.split(mark).skip(1).map(|rest| rest.split('"').next().unwrap());
    after("src=\"").chain(after("href=\"")).collect()
}

#[tokio::test]
async fn the_documentation_loads_nothing_from_elsewhere() {
    let world = World::start().await;
    let client = world.anonymous();
    let page = client.get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let files = references(&page.text);
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        let name = file.trim_start_matches("./");
        assert!(!name.contains("//") && !name.contains(':'), "{name} lies elsewhere");
        assert_eq!(client.get(&format!("/docs/{name}")).await.status, 200, "{name}");
    }
    assert!(!page.text.contains("http://") && !page.text.contains("https://"));

    let script = client.get("/docs/swagger-initializer.js").await;
    assert!(script.text.contains("/openapi.json"), "{}", script.text);
    assert!(!script.text.contains("http://") && !script.text.contains("https://"));
    // Without this word the page sends the document's address to a validator in the internet.
    let quiet = script.text.replace([' ', '"', '\''], "").contains("validatorUrl:none");
    assert!(quiet, "{}", script.text);
}

#[tokio::test]
async fn the_served_document_is_the_one_in_the_repository() {
    let world = World::start().await;
    let served = world.anonymous().get("/openapi.json").await;
    assert_eq!(served.header("content-type"), Some("application/json"));
    assert_eq!(served.expect(200), serde_json::to_value(loadmaster::app::openapi()).unwrap());
}
