//! Identity: users, their organizations and roles, and the caller of a request. Keeps the record of administrative acts,
//! to which other rooms add entries.
mod acts;
mod airports;
mod caller;
mod model;
mod quotas;
mod repository;
mod router;
mod service;

pub use acts::{Actor, Acts, Subject};
pub use airports::KnownAirports;
pub use caller::{Admin, Customer, Guest, Operator, required};
pub(super) use model::{
    Account, AccountLanguage, Act, ActAnchor, ActFilter, Email, MAX_TEXT, UserFilter, UserSort, WeightUnit, read_name,
};
pub use model::{Channel, Credential, ManagedUser, Principal, Role, User};
pub use quotas::CallerQuotas;
pub(super) use repository::{
    account_by_email, account_by_id, count_acts, list_acts, lock_account, lock_account_to_change, save_choices,
    save_login, save_name,
};
pub(super) use router::{HandlerState, routes};
pub(super) use service::insert_in_tx;
pub use service::{UserService, admit_guests_in_tx};
