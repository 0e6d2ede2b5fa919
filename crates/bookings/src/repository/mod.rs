//! All SQL of this room: one file for each kind of query and one for writing. Every statement on a partitioned table
//! names the booking's id, so that it touches one partition.
mod aboard;
pub(super) mod audit;
pub(super) mod bills;
mod connections;
pub(super) mod contacts;
mod create;
mod erase;
mod events;
pub(super) mod held;
mod list;
pub(super) mod past;
mod read;
mod save;
mod write;

pub(super) use aboard::{
    aboard_with_code, aboard_with_dimensions, before_departure, count_aboard, departed_on, dimensions_on, is_aboard,
    landed_inbound, last_moved_before_arrival, lock_aboard, manifest, named_aboard, next_aboard,
};
pub(super) use connections::{bookings_concerned, concerned};
pub(super) use create::insert_new;
pub(super) use erase::{delete_notes, export, noted_by, references_of, to_blank};
pub(super) use events::{amended_since, events_after, moved_before, newest_events};
pub(super) use list::{Among, Part, by_departure, count, in_order, list, list_of, mentioning, named, number_of};
pub(super) use read::{
    find, find_all, find_by_awb, find_requested, flights_of, id_of, is_of_guest, lock_booking, lock_bookings,
    lock_free_bookings,
};
pub(super) use save::{Changes, save};
pub(super) use write::{claim_awbs, free_awbs, next_reference_blocks, save_texts, skip_reference_blocks};
