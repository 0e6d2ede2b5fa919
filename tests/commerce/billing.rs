//! What bookings cost, and being paid: prices of holds and bookings, payments with the provider `test` and by credit, refunds
//! and fees.
mod amending;
mod cancelling;
mod committing;
mod credit;
mod fees;
mod holding;
mod kills;
mod losses;
mod members;
mod refunding;
mod retrying;
mod simulation;
mod stage;
mod unfinished;
mod unused;
