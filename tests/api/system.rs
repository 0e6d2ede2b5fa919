//! How an instance tells how it is: to probes, to operators, to Prometheus.
mod health;
mod metrics;
mod readiness;
