//! Facts of the trade: airports, airlines, aircraft types, special handling codes. Decides which codes exist, where
//! airports lie and what time it is there. Loaded once and answered from memory.
mod model;
mod service;

pub use model::{Aircraft, Airline, Airport};
pub use service::Reference;
