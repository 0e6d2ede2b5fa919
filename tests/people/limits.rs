//! Who may ask how often: quotas by address, caller, key and account, and what is told of them.
mod accounts;
mod addresses;
mod callers;
mod floods;
mod office;
mod sessions;
mod together;
mod windows;

use loadmaster_testkit::{Answer, Client, World, WorldOptions};

/// Costs nothing and anybody may ask it.
const OPEN: &str = "/api/v1/airports/BOM";

/// Worlds of the tests have no limits unless they ask for them.
fn limited() -> WorldOptions {
    // A slow machine is no reason to count without Redis.
    WorldOptions::working().set("rate_limit.enabled", "true").set("redis.timeout_ms", "10000")
}

/// A limited world whose peers, the test itself among them, are proxies that tell who asks.
async fn behind_proxies() -> World {
    limited().set("server.trusted_proxies", "127.0.0.0/8").start().await
}

/// The same as that client of the proxy.
async fn get_as(client: &Client, address: &str, path: &str) -> Answer {
    client.send(reqwest::Method::GET, path, &[("x-forwarded-for", address)], None).await
}

async fn post_as(client: &Client, address: &str, path: &str, body: &serde_json::Value) -> Answer {
    client.send(reqwest::Method::POST, path, &[("x-forwarded-for", address)], Some(body)).await
}

/// Limit, what remains, and the seconds until more.
fn told(answer: &Answer) -> Option<[u32; 3]> {
    let number = |name| answer.header(name).map(|text| text.parse().expect("a number"));
    let all = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map(number);
    let [Some(limit), Some(remaining), Some(reset)] = all else {
        assert_eq!(all, [None; 3], "all of the headers or none");
        return None;
    };
    Some([limit, remaining, reset])
}

/// It is a refusal of this limit; answers after how many seconds to come back.
#[track_caller]
fn refused(answer: Answer, limit: u32) -> u32 {
    let [told_limit, remaining, reset] = told(&answer).expect("the quota is told");
    assert_eq!((told_limit, remaining), (limit, 0));
    assert_eq!(answer.header("retry-after"), Some(reset.to_string().as_str()));
    let detail = answer.expect_problem(429, "rate_limited")["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(&reset.to_string()), "{detail}");
    reset
}

/// Asks until it is refused; answers how often it was not.
async fn until_refused(client: &Client, path: &str) -> usize {
    for passed in 0..1000 {
        let answer = client.get(path).await;
        if answer.status.as_u16() == 429 {
            return passed;
        }
        assert!(told(&answer).is_some(), "{}", answer.text);
    }
    panic!("never refused");
}
