//! How an instance tells how it is: to probes and to operators.
mod health;
mod readiness;
mod shared;
