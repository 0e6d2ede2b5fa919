use chrono::TimeDelta;
use loadmaster_testkit::World;

use super::{OPEN, limited, refused, told, until_refused};

async fn both() -> [World; 2] {
    let alone = limited().without_redis();
    [limited().start().await, alone.start().await]
}

#[tokio::test]
async fn sixty_of_sixty_one_requests_in_a_window_are_admitted() {
    for world in both().await {
        let anybody = world.anonymous();
        let second = u32::try_from(world.now().timestamp().rem_euclid(60)).unwrap();
        for number in 1..=60 {
            let answer = anybody.get(OPEN).await;
            assert_eq!(told(&answer), Some([60, 60 - number, 60 - second]), "{number}");
            answer.expect(200);
        }
        refused(anybody.get(OPEN).await, 60);
        // What is refused does not count.
        refused(anybody.get(OPEN).await, 60);
    }
}

#[tokio::test]
async fn the_quota_comes_back_when_the_headers_say() {
    for world in both().await {
        let anybody = world.anonymous();
        assert_eq!(until_refused(&anybody, OPEN).await, 60);
        for _ in 0..5 {
            let seconds = refused(anybody.get(OPEN).await, 60);
            world.clock.advance(TimeDelta::seconds(i64::from(seconds) - 1));
            refused(anybody.get(OPEN).await, 60);
            world.clock.advance(TimeDelta::seconds(1));
            let answer = anybody.get(OPEN).await;
            assert_eq!(told(&answer).unwrap()[..2], [60, 0]);
            answer.expect(200);
        }
        world.clock.advance(TimeDelta::minutes(2));
        assert_eq!(until_refused(&anybody, OPEN).await, 60);
    }
}

#[tokio::test]
async fn over_the_border_of_two_windows_no_more_pass_than_in_one() {
    for world in both().await {
        let anybody = world.anonymous();
        let second = world.now().timestamp().rem_euclid(60);
        // The last second of a window, and after thirty of the next.
        world.clock.advance(TimeDelta::seconds(59 - second));
        assert_eq!(until_refused(&anybody, OPEN).await, 60);
        world.clock.advance(TimeDelta::seconds(1));
        assert_eq!(until_refused(&anybody, OPEN).await, 0);
        world.clock.advance(TimeDelta::seconds(30));
        assert_eq!(until_refused(&anybody, OPEN).await, 30);
    }
}

#[tokio::test]
async fn without_limits_there_are_no_quota_headers() {
    let world = World::working().await;
    for _ in 0..70 {
        let answer = world.anonymous().get(OPEN).await;
        assert_eq!(told(&answer), None);
        answer.expect(200);
    }
}

#[tokio::test]
async fn monitoring_and_documentation_routes_are_not_counted() {
    let world = limited().set("rate_limit.anonymous_per_minute", "1").start().await;
    let anybody = world.anonymous();
    for path in [
        "/livez",
        "/readyz",
        "/health",
        "/health/detailed",
        "/api/v1/health",
        "/metrics",
        "/docs/",
        "/docs/swagger-ui.css",
        "/openapi.json",
        "/problems",
        "/problems/rate_limited",
    ] {
        for _ in 0..3 {
            let answer = anybody.get(path).await;
            assert!(told(&answer).is_none() && answer.status.as_u16() != 429, "{path}: {}", answer.status);
        }
    }
    let mut counted = anybody.get(OPEN).await;
    assert_eq!(told(&counted).unwrap()[0], 1);
    counted = anybody.get("/docsify").await;
    assert_eq!(counted.status.as_u16(), 429, "only what lies below an exempt path is exempt");
    let metrics = anybody.get("/metrics").await.text;
    assert!(metrics.contains("loadmaster_rate_limit_total{"), "{metrics}");
}

#[tokio::test]
async fn a_page_of_another_site_can_read_the_refusal_and_its_question_is_free() {
    let world = limited().set("rate_limit.anonymous_per_minute", "1");
    let world = world.set("server.cors_origins", "https://shop.example").start().await;
    let anybody = world.anonymous();
    for _ in 0..3 {
        let question = anybody.request(reqwest::Method::OPTIONS, OPEN).header("origin", "https://shop.example");
        let answer = question.header("access-control-request-method", "GET").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }
    let ask = async || {
        let request = anybody.request(reqwest::Method::GET, OPEN).header("origin", "https://shop.example");
        loadmaster_testkit::Answer::of(request).await
    };
    ask().await.expect(200);
    let answer = ask().await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example"));
    let exposed = answer.header("access-control-expose-headers").unwrap().to_ascii_lowercase();
    for name in ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after"] {
        assert!(exposed.contains(name), "{exposed}");
    }
    refused(answer, 1);
}
