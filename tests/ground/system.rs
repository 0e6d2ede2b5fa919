//! How an instance tells how it is: to probes and to operators.
mod clocks;
mod event_types;
mod health;
mod readiness;
mod shared;
