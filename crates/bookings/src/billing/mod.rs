//! What bookings cost and how they are paid for: what follows from each answer of a payment provider, and from each change
//! of a booking, is decided by `settle` from the rows alone. A provider is never asked within a transaction.
mod administer;
mod audit;
mod begin;
mod cancellation;
mod follow;
mod pay;
mod price;
mod refund;
mod settle;
mod uses;

pub use administer::{Administer, Verdict};
pub use audit::audit;
pub use begin::{of_booking, of_hold};
pub use cancellation::{Cancellation, caught_up, follow_loss, lose_flight};
pub use follow::{followed, with_payment};
pub use pay::PayBooking;
pub use price::{keep_fee_in_tx, repriced_in_tx};
pub use refund::Refund;
pub use settle::{Books, Lifted, lifted};
pub use uses::{lock_use_in_tx, return_use_in_tx, used_sales_in_tx};
