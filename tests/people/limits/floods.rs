use loadmaster_testkit::{Client, World};

use super::{OPEN, behind_proxies, get_as, limited, told};

/// How many of some requests at once were refused. The guard's clock is the machine's: it is the number that is too large
/// for any machine to be slow enough.
async fn flood(client: &Client) -> usize {
    flood_of(client, OPEN).await
}

async fn flood_of(client: &Client, path: &'static str) -> usize {
    let asked: Vec<_> = (0..40)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get(path).await })
        })
        .collect();
    let mut refused = 0;
    for task in asked {
        let answer = task.await.unwrap();
        if answer.status.as_u16() == 429 {
            assert_eq!(told(&answer), Some([1, 0, 1]));
            assert_eq!(answer.header("retry-after"), Some("1"));
            answer.expect_problem(429, "rate_limited");
            refused += 1;
        }
    }
    refused
}

#[tokio::test]
async fn a_flood_from_one_address_is_refused_before_it_costs_anything() {
    let world = limited().set("rate_limit.flood_per_second", "1").start().await;
    assert!(flood(&world.anonymous()).await > 0);
    assert!(flood(&world.customer().await).await > 0, "who it is is not looked at");
    world.anonymous().get("/livez").await.expect(200);
}

#[tokio::test]
async fn no_guard_where_it_is_switched_off() {
    for world in [
        limited().set("rate_limit.flood_per_second", "0").start().await,
        World::with(loadmaster_testkit::WorldOptions::working().set("rate_limit.flood_per_second", "1")).await,
    ] {
        assert_eq!(flood(&world.anonymous()).await, 0);
    }
}

#[tokio::test]
async fn a_flood_from_one_address_is_no_other_addresss_affair() {
    let world = behind_proxies().await;
    for number in 0..50 {
        get_as(&world.anonymous(), &format!("203.0.113.{number}"), OPEN).await.expect(200);
    }
}

/// What no quota counts: it must be there for who watches, and costs little, but not nothing.
const FREE: [&str; 12] = [
    "/livez",
    "/readyz",
    "/health",
    "/health/detailed",
    "/api/v1/health",
    "/metrics",
    "/docs",
    "/docs/",
    "/docs/swagger-ui-bundle.js",
    "/openapi.json",
    "/problems",
    "/problems/rate_limited",
];

#[tokio::test]
async fn a_flood_of_what_no_quota_counts_is_refused_too() {
    let world = limited().set("rate_limit.flood_per_second", "1").start().await;
    for path in FREE {
        assert!(flood_of(&world.anonymous(), path).await > 0, "{path}");
    }
}

#[tokio::test]
async fn other_addresses_are_answered_during_a_flood_of_what_no_quota_counts() {
    let world = limited().set("rate_limit.flood_per_second", "1").set("server.trusted_proxies", "127.0.0.0/8");
    let world = world.start().await;
    assert!(flood_of(&world.anonymous(), "/metrics").await > 0);
    for (number, path) in ["/livez", "/readyz", "/health", "/metrics", "/openapi.json"].into_iter().enumerate() {
        let address = format!("198.51.100.{number}");
        get_as(&world.anonymous(), &address, path).await.expect(200);
    }
}
