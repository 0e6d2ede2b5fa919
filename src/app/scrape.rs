use std::sync::Arc;

use async_compression::Level;
use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use loadmaster_platform::{
    shared::Shared,
    telemetry::{self, Catalogue, measure_logging, measure_process},
    web::{COMPRESS_ABOVE, Coding, Problem, encode, encoded},
};
use metrics_exporter_prometheus::PrometheusHandle;

use super::{
    health::Health,
    limits,
    rooms::{CODES, ROOMS},
};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Rendering in one coding takes a tenth of one processor at most, regardless of the number of requests.
const PAUSE: u32 = 9;

/// All metrics that `/metrics` may show: the platform's, then each room's.
pub fn metrics() -> Catalogue {
    let mut catalogue = Catalogue::default();
    catalogue.groups.extend_from_slice(telemetry::metric::METRICS);
    catalogue.declare("code", CODES.iter().map(|code| code.as_str()));
    catalogue.declare("quota", limits::QUOTAS);
    for room in ROOMS {
        catalogue.groups.extend_from_slice(room.metrics);
        for (label, values) in room.labels {
            catalogue.declare(label, values.iter().copied());
        }
    }
    catalogue
}

/// The metrics of this instance, in Prometheus' text format: rendered and encoded once for all concurrent requests.
#[derive(Clone)]
pub struct Scrape {
    handle: PrometheusHandle,
    health: Health,
    /// The gauges of the rooms.
    gauges: Arc<[Arc<dyn Fn() + Send + Sync>]>,
    /// One rendering for each coding.
    renderings: [Shared<(Bytes, Coding)>; Coding::ALL.len()],
}

impl Scrape {
    pub fn new(handle: PrometheusHandle, health: Health, gauges: Vec<Arc<dyn Fn() + Send + Sync>>) -> Self {
        let renderings = std::array::from_fn(|_| Shared::pausing(PAUSE));
        Self { handle, health, gauges: gauges.into(), renderings }
    }

    /// Returns the current metrics in this coding.
    pub async fn answer(&self, coding: Coding) -> Response {
        let this = self.clone();
        let [plain, ..] = &self.renderings;
        let shared = self.renderings.get(coding as usize).unwrap_or(plain);
        let rendering = shared.get(async move { this.rendered(coding).await }).await;
        let Some((bytes, coding)) = rendering else {
            return Problem::unavailable("This instance is shutting down.").into_response();
        };
        let response = ([(header::CONTENT_TYPE, TEXT)], bytes).into_response();
        encoded(response, coding)
    }

    async fn rendered(&self, coding: Coding) -> (Bytes, Coding) {
        measure_process();
        measure_logging();
        self.health.measure();
        self.gauges.iter().for_each(|measure| measure());
        let text = Bytes::from(self.handle.render());
        let coding = if text.len() > COMPRESS_ABOVE { coding } else { Coding::Identity };
        (encode(text, coding, Level::Fastest).await, coding)
    }
}
