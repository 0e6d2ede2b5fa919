//! Creating bookings: what is taken, what is refused, what the answer tells.
mod air_waybill;
mod answer;
mod itinerary;
mod routing;
mod space;
