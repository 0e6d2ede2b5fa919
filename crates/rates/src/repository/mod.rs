//! All SQL of this room.
mod keeping;
mod reading;
mod reference;
mod windows;

pub(super) use keeping::{
    add_days, add_points, delete_days, delete_points, has_invented, last_answers, last_slots, lock_invented,
    still_priced, take_slot,
};
pub(super) use reading::{changes, lowest, periods, sampled_at, trends, typical};
pub(super) use reference::{lock_reference, reference, save_reference};
pub(super) use windows::windows;
