//! The SQL of this room, a file per kind of thing.
mod access;
mod sessions;
mod signing_keys;

pub use access::{AccessChange, access_changes, account_state, delete_access_changes};
pub use sessions::{
    RefreshToken, delete_expired_tokens, delete_old_revocations, delete_tokens_of, insert_refresh_token,
    is_recent_sign_in, lock_family, refresh_token, revoke_families_of, revoke_family, save_password, spend_generation,
};
pub use signing_keys::{
    delete_spent_signing_keys, end_other_signing_keys, insert_signing_key, lock_signing_keys, signing_keys,
};
