//! All SQL of this room, a file per kind of thing.
mod access;
mod accounts;
mod acts;
mod api_keys;
mod erasure;
mod signing_keys;
mod tokens;

pub(super) use access::{AccessChange, Standing, access_changes, delete_access_changes, standing};
pub(super) use accounts::{
    Account, account_by_email, account_by_id, any_user_with_role, insert_organization, insert_user, list_users,
    lock_account, lock_account_to_change, lock_administrators, organization_exists, other_administrators, save_name,
    save_password, save_user,
};
pub(super) use acts::{insert_act, list_acts};
pub(super) use api_keys::{
    api_key, api_key_by_hash, insert_api_key, list_api_keys, lock_api_key, revoke_api_key, save_last_use,
    save_rate_limit,
};
pub(super) use erasure::{close_account, erase_account, export_account, own_organizations};
pub(super) use signing_keys::{
    delete_spent_signing_keys, end_other_signing_keys, insert_signing_key, lock_signing_keys, signing_keys,
};
pub(super) use tokens::{
    RefreshToken, delete_expired_tokens, delete_old_revocations, insert_refresh_token, is_revoked, lock_family,
    refresh_token, revoke_families_of, revoke_family, spend_generation,
};
