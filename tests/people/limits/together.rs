use std::time::Duration;

use loadmaster_accounts::Role;
use loadmaster_testkit::{Client, OwnRedis, TestDatabase, World};
use uuid::Uuid;

use super::{OPEN, get_as, limited, post_as, refused, told, until_refused};

#[tokio::test]
async fn two_instances_count_together_with_redis() {
    let database = TestDatabase::create().await;
    let one = limited().on(&database).start().await;
    let other = limited().on(&database).start().await;
    let clients = [one.anonymous(), other.anonymous()];
    for number in 0..60 {
        let answer = clients[number % 2].get(OPEN).await;
        assert_eq!(told(&answer).unwrap()[1] as usize, 59 - number);
        answer.expect(200);
    }
    for client in clients {
        refused(client.get(OPEN).await, 60);
    }
}

#[tokio::test]
async fn redis_learns_no_network_address_and_no_account() {
    let redis = OwnRedis::start().await;
    let options = limited().set("server.trusted_proxies", "127.0.0.0/8").set("redis.url", &redis.url());
    let world = options.start().await;
    get_as(&world.anonymous(), "198.51.100.77", OPEN).await.expect(200);
    let login = serde_json::json!({"email": "ann@example.org", "password": "correct horse battery"});
    post_as(&world.anonymous(), "198.51.100.77", "/api/v1/auth/login", &login).await;
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    world.caller_in(Role::Customer, user, organization).await.get(OPEN).await.expect(200);
    let keys = redis::cmd("KEYS").arg("*").query_async::<Vec<String>>(&mut redis.connect().await).await.unwrap();
    assert!(keys.iter().filter(|key| key.contains(":rate:")).count() >= 4, "{keys:?}");
    for name in ["198.51.100.77", "c633644d", "ann@", &user.to_string(), &user.simple().to_string()] {
        assert!(!keys.iter().any(|key| key.contains(name)), "{name}: {keys:?}");
    }
}

#[tokio::test]
async fn without_redis_each_instance_counts_for_itself() {
    let database = TestDatabase::create().await;
    let alone = || limited().without_redis().on(&database);
    for world in [alone().start().await, alone().start().await] {
        assert_eq!(until_refused(&world.anonymous(), OPEN).await, 60);
    }
}

#[tokio::test]
async fn many_at_once_are_not_more_than_the_quota() {
    for world in [limited().start().await, limited().without_redis().start().await] {
        let anybody = world.anonymous();
        let asked: Vec<_> = (0..90)
            .map(|_| {
                let anybody = anybody.clone();
                tokio::spawn(async move { anybody.get(OPEN).await.status.as_u16() })
            })
            .collect();
        let mut answered = 0;
        for task in asked {
            answered += usize::from(task.await.unwrap() == 200);
        }
        assert_eq!(answered, 60);
    }
}

#[tokio::test]
async fn while_redis_is_away_an_instance_goes_on_counting_by_itself() {
    let mut redis = OwnRedis::start().await;
    let world = limited().set("redis.url", &redis.url()).start().await;
    let anybody = world.anonymous();
    for _ in 0..10 {
        anybody.get(OPEN).await.expect(200);
    }
    redis.kill();
    assert_eq!(until_refused(&anybody, OPEN).await, 60, "its own window begins when Redis is lost");
    refused(anybody.get(OPEN).await, 60);
}

/// How many of so many requests at a time pass, until none of them does.
async fn storm(client: &Client, at_a_time: usize) -> usize {
    let mut passed = 0;
    loop {
        let asked: Vec<_> = (0..at_a_time)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.get(OPEN).await.status.as_u16() })
            })
            .collect();
        let before = passed;
        for task in asked {
            passed += usize::from(task.await.unwrap() == 200);
        }
        if passed == before {
            return passed;
        }
    }
}

/// Two instances of one installation, and one caller with this quota as a client of each.
async fn one_caller_of_two(quota: &str) -> ([World; 2], [Client; 2]) {
    let database = TestDatabase::create().await;
    let world = || limited().set("rate_limit.authenticated_per_minute", quota).on(&database).start();
    let (one, other) = (world().await, world().await);
    let here = one.caller_in(Role::Customer, Uuid::new_v4(), Uuid::new_v4()).await;
    let there = other.anonymous().with_token(here.token.as_ref().unwrap());
    ([one, other], [here, there])
}

// Over a second: some hundred requests, and grants that must go back.
#[tokio::test]
async fn a_large_quota_granted_in_advance_is_never_exceeded_and_used_to_its_end() {
    let ([_one, _other], [here, there]) = one_caller_of_two("500").await;
    let (first, second) = tokio::join!(storm(&here, 12), storm(&there, 7));
    // What one of them held when the other was refused goes back, and can be used.
    let mut passed = first + second;
    assert!((440..=500).contains(&passed), "{first} and {second}");
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        passed += storm(&here, 1).await + storm(&there, 1).await;
    }
    assert_eq!(passed, 500);
}

#[tokio::test]
async fn a_caller_alone_sees_each_request_counted() {
    let world = limited().set("rate_limit.authenticated_per_minute", "600").start().await;
    let caller = world.customer().await;
    let mut remaining = None;
    for _ in 0..150 {
        let answer = caller.get(OPEN).await;
        let [limit, left, _] = told(&answer).unwrap();
        assert_eq!(limit, 600);
        assert_eq!(left, remaining.unwrap_or(left + 1) - 1);
        remaining = Some(left);
    }
}

#[tokio::test]
async fn a_process_that_ends_gives_back_what_it_was_granted() {
    let ([one, _other], [here, there]) = one_caller_of_two("300").await;
    let mut passed = 0;
    // So many at once that some are granted in advance.
    for _ in 0..3 {
        let asked: Vec<_> = (0..20)
            .map(|_| {
                let here = here.clone();
                tokio::spawn(async move { here.get(OPEN).await.expect(200) })
            })
            .collect();
        for task in asked {
            task.await.unwrap();
            passed += 1;
        }
    }
    one.shutdown().await;
    passed += until_refused(&there, OPEN).await;
    assert_eq!(passed, 300);
}
