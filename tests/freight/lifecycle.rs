//! From booking to delivery: which step may follow which, what it says, what it keeps.
mod arrows;
mod cancelling;
mod claims;
mod correcting;
mod history;
mod reading;
mod rebuilding;
mod when;

use loadmaster_testkit::freight::two_flights;
