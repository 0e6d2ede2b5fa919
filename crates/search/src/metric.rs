//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

metrics! {
    "Searches": {
        ROUTE_SEARCHES: Counter "loadmaster_route_searches_total" []
            "Route searches completed.";
        ROUTE_CACHE_HITS: Counter "loadmaster_route_cache_hits_total" []
            "Searches whose network part came from the cache.";
        ROUTE_CACHE_MISSES: Counter "loadmaster_route_cache_misses_total" []
            "Searches whose network part was not cached.";
        ROUTE_READS: Counter "loadmaster_route_reads_total" [Label::one_of("from", &["memory", "tables"])]
            "Network parts that were not cached: found in the departures in memory, or read from the tables.";
        ROUTE_SEARCHES_CUT: Counter "loadmaster_route_searches_cut_total" []
            "Searches for routes with two or three stops that ended at the bound on their work: some of these may be missing.";
        SEARCHES_UNRECORDED: Counter "loadmaster_searches_unrecorded_total" []
            "Searches whose counts could not be written to the database before this process stopped.";
        ROUTE_CACHE_HIT_RATIO: Gauge "loadmaster_route_cache_hit_ratio" []
            "Ratio of cache hits to all searches since the start, from 0 to 1.";
        ROUTE_CACHE_FILL: Histogram "loadmaster_route_cache_fill_seconds" []
            "Time to find a network part and prepare it.";
        ROUTE_CACHE_ENTRIES: Gauge "loadmaster_route_cache_entries" []
            "Network parts in the cache of this process.";
        ROUTE_CACHE_BYTES: Gauge "loadmaster_route_cache_bytes" []
            "Estimated size of the cached network parts, at most 48 MiB.";
        ROUTE_CACHE_EVICTIONS: Counter "loadmaster_route_cache_evictions_total" []
            "Network parts evicted from the full cache.";
    }
}
