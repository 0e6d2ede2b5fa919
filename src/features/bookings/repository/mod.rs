//! All SQL of this room: reading in one file, writing in the other. Every statement on a partitioned table names the
//! booking's id, so that it touches one partition.
pub(super) mod audit;
mod erase;
pub(super) mod past;
mod read;
mod write;

pub(super) use erase::{delete_notes, export, noted_by, references_of, to_blank};
pub(super) use read::{
    aboard, events, find_all, find_by_awb, find_by_reference, flights_of, is_aboard, list, lock_booking, lock_bookings,
};
pub(super) use write::{
    claim_awb, free_awb, insert_booking, insert_events, insert_legs, insert_notes, next_reference_block, save_texts,
    update_bookings, update_legs,
};
