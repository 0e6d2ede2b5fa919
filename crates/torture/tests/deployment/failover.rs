//! Two PostgreSQL servers with synchronous replication. The primary is lost under load: no acknowledged booking is lost,
//! and service is back by itself within 30 s.
mod pair;
mod patroni;

use std::time::{Duration, Instant};

use super::support::{
    Booked, Customer, Installation, Login, Probe, Sandbox, Server, Torture, assert_all_there, report,
};

/// From the loss of the primary to the first booking that was requested later and is acknowledged, on every instance.
const LIMIT: Duration = Duration::from_secs(30);

/// Two serving processes with the checker's load, and beside it a probe that measures the outage.
struct Load {
    servers: [Server; 2],
    torture: Torture,
    customer: Customer,
    probe: Probe,
}

impl Load {
    async fn start(sandbox: &Sandbox, installation: &Installation, staff: &Login, name: &str, seconds: u32) -> Self {
        let servers = ["first", "second"].map(|server| installation.serve(sandbox, server));
        let bases = [servers[0].base.as_str(), servers[1].base.as_str()];
        let customer = Customer::register(bases[0], name).await;
        let flight = Customer::log_in(bases[0], staff).await.roomy_flight(bases[0], "AI901", 48).await;
        let torture = Torture::start(sandbox, installation, staff, &bases, seconds);
        let probe = Probe::start(&customer, &flight, name, &bases, 2);
        tokio::time::sleep(Duration::from_secs(3)).await;
        Self { servers, torture, customer, probe }
    }

    /// Loses the primary, and waits until service is back.
    async fn lose_primary(&self, what: &str, lose: impl FnOnce()) {
        let began = Instant::now();
        lose();
        let (first, all) = self.probe.recovery(2, began, LIMIT).await;
        report(&format!("{what}: first booking acknowledged again after"), first);
        report(&format!("{what}: on both instances after"), all);
        assert!(all <= LIMIT, "service was away for {all:?}");
    }

    /// Every promise was kept, every acknowledged booking is there, and the audit is clean.
    async fn finish(self, installation: &Installation) -> Vec<Booked> {
        let booked = self.probe.stop().await;
        self.torture.finish();
        assert!(booked.len() > 100, "only {} bookings", booked.len());
        assert_all_there(&self.customer, &self.servers[0].base, &booked).await;
        installation.audit();
        booked
    }
}
