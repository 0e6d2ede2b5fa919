//! The automatic failover: Patroni with etcd, and HAProxy.
use std::time::Duration;

use super::{
    super::support::{Etcd, Installation, Login, Node, Proxy, Redis, Sandbox, is_long, until_within},
    Load,
};

/// Fields are dropped in this order.
struct Cluster {
    proxy: Proxy,
    nodes: [Node; 2],
    _etcd: Etcd,
}

impl Cluster {
    fn start(sandbox: &Sandbox) -> Self {
        let etcd = Etcd::start(sandbox);
        let mut nodes = ["a", "b"].map(|name| Node::new(sandbox, name, &etcd));
        nodes[0].start();
        nodes[0].until_is("primary");
        nodes[1].start();
        nodes[1].until_is("synchronous");
        let at = |node: &Node| format!("{}:{} check port {}", node.host, node.port, node.rest);
        let changes =
            [("10.0.0.11:5432 check port 8008", at(&nodes[0])), ("10.0.0.12:5432 check port 8008", at(&nodes[1]))];
        let proxy = Proxy::start(sandbox, "haproxy-patroni.cfg", &changes);
        // HAProxy takes each server for sound until it has checked it, the standby too.
        std::thread::sleep(Duration::from_secs(4));
        Self { proxy, nodes, _etcd: etcd }
    }

    fn installation(&self, sandbox: &Sandbox, redis: &Redis) -> (Installation, Login) {
        let leader = &self.nodes[0];
        leader.sql_at(leader.port, "postgres", "create role loadmaster login password 'owner-secret'");
        leader.sql_at(leader.port, "postgres", "create role loadmaster_app login password 'app-secret'");
        leader.sql_at(leader.port, "postgres", "create database loadmaster owner loadmaster");
        let (owner, app) = (self.proxy.url("loadmaster:owner-secret"), self.proxy.url("loadmaster_app:app-secret"));
        let installation = Installation::new(sandbox, owner, app, Some(redis.url()));
        installation.migrate();
        let staff = installation.administrator();
        (installation, staff)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn patroni_replaces_a_killed_leader_which_rejoins_and_one_that_stands_still() {
    if !is_long() {
        return;
    }
    let sandbox = Sandbox::create();
    let mut cluster = Cluster::start(&sandbox);
    let redis = Redis::start(&sandbox);
    let (installation, staff) = cluster.installation(&sandbox, &redis);
    let load = Load::start(&sandbox, &installation, &staff, "patroni", 120).await;

    let [a, b] = &mut cluster.nodes;
    load.lose_primary("Patroni, leader killed", || a.kill()).await;
    assert!(b.is("primary"));
    // The machine is back: Patroni rewinds its data and makes it the synchronous standby.
    a.start();
    a.until_is("synchronous");

    load.lose_primary("Patroni, leader silent", || b.freeze()).await;
    assert!(a.is("primary"));
    b.thaw();
    b.until_is("synchronous");
    load.finish(&installation).await;
    let count = |node: &Node| node.sql_at(node.port, "loadmaster", "select count(*) from bookings");
    let bookings = count(a);
    until_within(Duration::from_secs(30), "the standby has every booking", &mut || count(b) == bookings);
}
