//! Payments under way: a commit waits for its provider, answers are recorded with all that follows from them, and what a
//! process has left behind goes on. It has bookings made by the desk.
mod answers;
mod commit;
mod record;
mod sweep;
