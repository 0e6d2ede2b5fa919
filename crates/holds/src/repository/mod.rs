//! All SQL of this room.
pub(super) mod audit;
mod books;
mod draws;
mod erase;
mod list;
mod read;
mod write;

pub(super) use books::{books, lock_subjects, names_of};
pub(super) use draws::{
    allotted, allotted_among, allotted_on, drawn_by, drawn_from, kept_on, move_draws, returning_on, save_draws,
};
pub(super) use erase::{blank, export, ids_of, texts_of, texts_of_ended};
pub(super) use list::{list, number_of};
pub(super) use read::{
    active, expired_on, expired_space, find, find_all, flights_held_with, left_by_failed_payments, lock, lock_free,
    open_on, positions, sizes_being_paid, to_expire, unfit,
};
pub(super) use write::{
    claim_names, drop_booked_names, free_booked_names, free_names, insert, replace_legs, save, save_texts,
};
