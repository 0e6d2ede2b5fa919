//! The SQL of this room, a file per table.
mod acts;
mod users;

pub use acts::{insert_act, list_acts};
pub use users::{
    account_by_email, account_by_id, any_user_with_role, insert_organization, insert_user, list_users, lock_account,
    lock_account_to_change, save_name,
};
