//! All SQL of this room.
pub(super) mod audit;
mod credit;
mod journal;
mod list;
mod operations;
mod read;
mod write;

pub(super) use credit::{account, entries, insert_entry, lock_accounts, opening, save_account, statement};
pub(super) use journal::{
    due_notifications, insert_test, insert_test_operation, journal, lock_test, lock_test_by_operation, notified,
    operation_of, save_test, settle_test_operation,
};
pub(super) use list::{list, number_of};
pub(super) use operations::{
    delete_old_webhooks, due, enter_webhook, hurry, is_open, mark_unmatched, payment_of, to_reconcile, unmatched,
    unresolved,
};
pub(super) use read::{
    begun, export, find, find_all, find_by_reference, ids_of, lock, of_bookings, of_holds, of_request, operations_of,
    organization_exists, unbooked,
};
pub(super) use write::{insert, move_to, save, save_operations};
