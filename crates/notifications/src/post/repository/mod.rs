//! The SQL of this room, a file per kind of thing.
mod account;
mod claim;
mod record;
mod suppressions;
mod write;

pub use account::{AccountRow, account, delete_of, name_of_key, url_of_webhook, usable_token};
pub use claim::{
    Ended, claim_again, claim_bundle, claim_single, expire, give_up_lost, has_work, lock_due, lock_pace, postpone,
    recent, restore, save_pace, suppress_due,
};
pub use record::{delete_old, ended, later, release, rows_of, sent};
pub use suppressions::{SuppressionRow, delete_suppression, insert_declined, insert_suppression, suppression};
pub use write::insert;
