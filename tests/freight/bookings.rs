//! Creating bookings: what is taken, what is refused, what the answer tells.
mod acceptance;
mod air_waybill;
mod answer;
mod dimensions;
mod emissions;
mod itinerary;
mod routing;
mod space;
