use super::{OPEN, limited, refused, told, until_refused};
use crate::support::{OwnRedis, TestDatabase, WorldOptions};

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
async fn without_redis_each_instance_counts_for_itself() {
    let database = TestDatabase::create().await;
    let alone = || WorldOptions { without_redis: true, ..limited() }.on(&database);
    for world in [alone().start().await, alone().start().await] {
        assert_eq!(until_refused(&world.anonymous(), OPEN).await, 60);
    }
}

#[tokio::test]
async fn many_at_once_are_not_more_than_the_quota() {
    for world in [limited().start().await, WorldOptions { without_redis: true, ..limited() }.start().await] {
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
