//! More connections than there may be.
use loadmaster_testkit::{OwnRedis, Process, TestDatabase, World, WorldOptions, connect_from, is_closed, read_answer};
use tokio::{io::AsyncWriteExt, net::TcpStream, process::Command};

use super::client_at;

const LIVEZ: &[u8] = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";

/// Whether a request on this connection is answered.
async fn is_served(stream: &mut TcpStream) -> bool {
    stream.write_all(LIVEZ).await.is_ok() && read_answer(stream).await.ends_with("alive")
}

/// How many of so many new connections of this address are served.
async fn served(world: &World, address: &str, connections: usize) -> (usize, Vec<TcpStream>) {
    let mut open = Vec::new();
    for _ in 0..connections {
        if let Ok(mut stream) = connect_from(address, &world.base).await
            && is_served(&mut stream).await
        {
            open.push(stream);
        }
    }
    (open.len(), open)
}

#[tokio::test]
async fn one_address_has_a_share_of_the_connections_and_proxies_have_more() {
    let options = WorldOptions::working().set("server.max_connections_per_address", "3");
    let world = options.set("server.trusted_proxies", "127.0.0.77").start().await;
    let (count, open) = served(&world, "127.0.0.66", 6).await;
    assert_eq!(count, 3);
    assert_eq!(served(&world, "127.0.0.67", 3).await.0, 3);
    assert_eq!(served(&world, "127.0.0.77", 6).await.0, 6);
    drop(open);
    loadmaster_testkit::until("its places are free again", async || served(&world, "127.0.0.66", 1).await.0 == 1).await;
    let told = world.anonymous().get("/metrics").await.text;
    assert!(told.contains("loadmaster_connections_closed_total{reason=\"address_limit\"} "), "{told}");
}

#[tokio::test]
async fn idle_connections_make_room_for_new_ones_the_longest_idle_first() {
    let world = WorldOptions::working().set("server.max_connections", "6").start().await;
    let (count, mut first) = served(&world, "127.0.0.66", 3).await;
    assert_eq!(count, 3);
    let (count, mut second) = served(&world, "127.0.0.67", 3).await;
    assert_eq!(count, 3);
    // The oldest connection is the one that was used last.
    assert!(is_served(&mut first[0]).await);
    assert_eq!(served(&world, "127.0.0.68", 1).await.0, 1);
    assert!(is_closed(&mut first[1]).await);
    assert!(is_served(&mut first[0]).await && is_served(&mut first[2]).await && is_served(&mut second[2]).await);
}

#[tokio::test]
async fn doctor_reports_few_file_descriptors() {
    let database = TestDatabase::create().await;
    for (descriptors, told) in
        [(256, "weaker  a process may open 256 files"), (5000, "ok      a process may open 5000 files")]
    {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            &format!("ulimit -n {descriptors} && exec \"$0\" doctor"),
            env!("CARGO_BIN_EXE_loadmaster"),
        ]);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(std::env::temp_dir());
        command.envs(database.environment());
        let output = command.output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(told), "{text}{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test]
async fn more_idle_connections_than_descriptors_lock_no_caller_out() {
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    let process = Process::start_with_descriptors(256, &database, &redis, &[]).await;
    let mut idle = Vec::new();
    for _ in 0..400 {
        idle.push(connect_from("127.0.0.66", &process.base).await);
    }
    let neighbour = client_at("127.0.0.2", &process.base);
    let asking = neighbour.get("/api/v1/airports/DEL");
    tokio::time::timeout(std::time::Duration::from_secs(10), asking).await.expect("it is answered").expect(200);
    // Nor do those of many addresses.
    for number in 0..400 {
        idle.push(connect_from(&format!("127.0.1.{}", number % 200), &process.base).await);
    }
    let newcomer = client_at("127.0.0.3", &process.base);
    let asking = newcomer.get("/api/v1/airports/DEL");
    tokio::time::timeout(std::time::Duration::from_secs(10), asking).await.expect("it is answered").expect(200);
}
