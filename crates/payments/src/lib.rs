//! Payments through a provider, and credit of organizations. Decides what is asked of the provider, how often and under
//! which key, and what a payment is after each answer; every request is a row before it is made. The room above, which knows
//! holds and bookings, decides when to pay and records each outcome with all that follows from it (`PaymentDesk`).
mod attempt;
mod audit;
mod books;
mod confirm;
mod credit;
mod desk;
mod driver;
mod dto;
mod erase;
mod error;
mod metric;
mod model;
mod provider;
mod reconcile;
mod repository;
mod room;
mod router;
#[cfg(debug_assertions)]
mod sabotage;
mod service;
mod signature;
mod tokens;
mod waiters;
mod webhook;

pub use attempt::Attempt;
pub use audit::PAYMENTS;
pub use books::{
    PaymentChange, PaymentWithOperations, begun_in_tx, find_in_tx, insert_in_tx, lock_in_tx, lock_of_bookings_in_tx,
    lock_of_holds_in_tx, move_in_tx, of_bookings_in_tx, of_holds_in_tx, of_request_in_tx, save_in_tx, unbooked_in_tx,
};
pub use credit::{Charge, CreditRefund, charge_in_tx, lock_credit_in_tx, refund_credit_in_tx};
pub use desk::{Decided, PaymentDesk, record_in_tx};
pub use dto::{PaymentBody, read_token};
pub use error::{PaymentError, code, operations_unresolved, payment_in_progress, payment_not_possible};
pub use model::{
    CreditAccount, CreditRefusal, Failure, NewPayment, Obstacle, Operation, OperationKind, OperationStatus, Outcome,
    PAYMENT, Payment, PaymentMethod, PaymentStatus, RequestHash,
};
pub use provider::ProviderKind;
pub use room::ROOM;
pub use service::{CancellationBand, CaptureMode, PaymentService};
pub use waiters::Waiter;
