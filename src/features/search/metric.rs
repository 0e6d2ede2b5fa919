//! What this room counts.
use crate::platform::telemetry::metric::metrics;

metrics! {
    "Searches": {
        ROUTE_SEARCHES: Counter "loadmaster_route_searches_total" []
            "Searches answered.";
        ROUTE_CACHE_HITS: Counter "loadmaster_route_cache_hits_total" []
            "Searches whose network part was kept.";
        ROUTE_CACHE_MISSES: Counter "loadmaster_route_cache_misses_total" []
            "Searches whose network part had to be read.";
        ROUTE_CACHE_HIT_RATIO: Gauge "loadmaster_route_cache_hit_ratio" []
            "Hits among all searches since the start, from 0 to 1.";
        ROUTE_CACHE_FILL: Histogram "loadmaster_route_cache_fill_seconds" []
            "How long reading and writing a network part took.";
        ROUTE_CACHE_ENTRIES: Gauge "loadmaster_route_cache_entries" []
            "Network parts that this process keeps.";
        ROUTE_CACHE_BYTES: Gauge "loadmaster_route_cache_bytes" []
            "Memory that the kept network parts take, at most 64 MiB.";
        ROUTE_CACHE_EVICTIONS: Counter "loadmaster_route_cache_evictions_total" []
            "Network parts dropped for lack of room.";
    }
}
