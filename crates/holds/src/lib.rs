//! Space that is kept for a bounded time before it is booked: holds of itineraries, reservations of single flights, and the
//! holds of offers and allotments. Decides who may hold how much and for how long, and what ends a hold. A hold whose time
//! is up keeps nothing, whether or not that was recorded. The desk of `bookings` makes and changes holds, and that room has
//! their routes.
mod ask;
mod audit;
mod books;
mod books_request;
mod draft;
mod draws;
mod dto;
mod end;
mod erase;
mod error;
mod flight;
mod judge;
mod metric;
mod model;
mod price;
mod price_books;
mod repository;
mod room;
mod router;
mod service;
mod write;

pub use ask::{CommitTerms, HoldCaller, HoldLimits, HoldStep, HoldVerb, NewHold, Pay, Requester, Stepped};
pub use audit::{HELD, ever_on};
pub use books::HoldBooks;
pub use books_request::BooksRequest;
pub use draft::amended;
pub use draws::{drawn_from_in_tx, give_back_in_tx, move_draws_in_tx};
pub use dto::{
    AmendHold, CommitHold, CreateHold, CreateReservation, ExtendHold, HoldBody, PaymentTerms, read_method,
    read_payment_token,
};
pub use end::{Ended, end_in_tx};
pub use erase::blank_in_tx;
pub use error::{CURABLE, HoldError, PriceFault, code, no_bookable_itinerary};
pub use flight::{
    HeldWith, as_found_in_tx, fit_in_tx, release_all_in_tx, release_newest_in_tx, sizes_being_paid_in_tx,
};
pub use judge::{HoldRules, NewlyHeld};
pub use model::{
    By, Draws, EndReason, HOLD, Hold, HoldAction, HoldChange, HoldEvent, HoldEventType, HoldKind, HoldLeg, HoldStatus,
    left_of,
};
pub use price_books::{PriceBooks, PriceTerms};
pub use room::ROOM;
pub use router::{changed, created, pending};
pub use service::HoldService;
pub use write::{free_positions_in_tx, lock_free_in_tx, lock_in_tx, write_in_tx};
