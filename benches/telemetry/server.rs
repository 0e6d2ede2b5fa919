//! The server as `loadmaster serve` has it, but for what it tells.
use std::sync::Arc;

use loadmaster::app::{self, Instance, Resources, Server, bind, starting};
use loadmaster_platform::{
    clock::SystemClock,
    outbound::SystemNetwork,
    postgres::Database,
    random::{IdSource, TokenSource},
    redis::Redis,
    settings::{Settings, Sources},
    telemetry,
    timing::Timing,
};
use metrics_exporter_prometheus::PrometheusBuilder;

/// Until it is killed.
pub fn serve(with_metrics: bool) {
    let settings = Arc::new(Settings::load(Sources::from_process()).unwrap());
    let traces = telemetry::wanted_traces().unwrap();
    let _logging = telemetry::start_logging(&settings.telemetry, traces.is_some()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let _exporting = traces.map(|traces| traces.start().unwrap());
        let url = settings.database.url.clone().unwrap();
        let redis = settings.redis.url.as_ref().map(|url| Redis::open(url, &settings.redis).unwrap());
        let metrics = if with_metrics {
            telemetry::start_metrics(&app::metrics()).unwrap()
        } else {
            // Nobody counts for it.
            PrometheusBuilder::new().build_recorder().handle()
        };
        let parts = Resources {
            settings: settings.clone(),
            db: Database::open(&url, &settings.database).await.unwrap(),
            redis,
            clock: Arc::new(SystemClock),
            ids: IdSource::default(),
            tokens: TokenSource::default(),
            metrics,
            timing: Timing::STANDARD,
            network: Arc::new(SystemNetwork::default()),
        };
        let first = starting(Arc::new(SystemClock), IdSource::default());
        let times = (parts.clock.clone(), parts.timing);
        let server = Server::start(bind(&settings.server).await.unwrap(), &settings, times, first).unwrap();
        let instance = Instance::prepare(server, parts).await.unwrap();
        instance.start_workers(Vec::new());
        instance.open().unwrap();
        std::future::pending::<()>().await;
    });
}
