//! Every error is a problem of the catalogue, whoever raises it; and what the frame around the rooms does to answers.
mod catalogue;
mod coded;
mod docs;
mod framework;
mod headers;
mod kept;
mod load;

pub use catalogue::Provoked;
