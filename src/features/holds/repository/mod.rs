//! All SQL of this room.
mod books;
mod draws;
mod read;
mod write;

pub(super) use books::{books, lock_subjects, names_of};
pub(super) use draws::{allotted, allotted_on, drawn_by, drawn_from, forget_draws, kept_on, save_draws};
pub(super) use read::{
    active, claims_on, expired_on, expired_room, find, find_all, flights_held_with, list, lock, lock_free, open_on,
    positions, to_expire,
};
pub(super) use write::{
    claim_names, drop_names, free_booked_names, free_names, insert, lower_ends, replace_legs, save, save_texts,
};
