use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{self, Next},
    routing::get,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use tower::ServiceExt;

use crate::{
    clock::{SharedClock, SystemClock},
    random::IdSource,
    web::track,
};

fn router() -> Router {
    let clock: SharedClock = Arc::new(SystemClock);
    Router::new()
        .route("/waits", get(async || std::future::pending::<&str>().await))
        .route("/panics", get(async || if true { panic!("it does") } else { "fine" }))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            let clock = clock.clone();
            async move {
                track((&clock, &IdSource::default()), |_| None, |_| false, request, |request| next.run(request)).await
            }
        }))
}

#[test]
fn a_request_that_is_dropped_or_panics_is_under_way_no_longer() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let shown = recorder.handle();
    let under_way = |count: u32| {
        let text = shown.render();
        assert!(text.lines().any(|line| line == format!("http_requests_in_flight {count}")), "{text}");
    };
    let ask = |path: &str| tokio::spawn(router().oneshot(Request::get(path).body(Body::empty()).unwrap()));
    // The recorder is local to this thread, so everything runs on it.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let waiting = [ask("/waits"), ask("/waits")];
            tokio::task::yield_now().await;
            under_way(2);
            waiting[0].abort();
            assert!(ask("/panics").await.unwrap_err().is_panic());
            under_way(1);
        });
    });
}
