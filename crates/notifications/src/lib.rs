//! Messages to people, by e-mail and SMS. Decides which notification each receiver gets, from the messages of the outbox:
//! whoever made a booking, the members of its organization who asked for it, and the contacts that have agreed. The sub-room
//! `post` sends what is written into its table, whoever writes it there; what a letter says is read from the tables when it is
//! sent.
mod answer;
mod ask;
mod compose;
mod dto;
mod erase;
mod error;
mod guests;
mod invitations;
mod lists;
mod model;
mod name;
mod post;
mod prefer;
mod remind;
mod repository;
mod resend;
mod room;
mod router;
mod service;
mod sink;
mod tokens;
mod words;

pub use room::ROOM;
