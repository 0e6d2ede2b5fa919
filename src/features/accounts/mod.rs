//! Who is calling and what they may do: users, organizations, roles, passwords, tokens. Decides whether a credential is
//! good; what belongs to whom is decided by the room that owns the thing.
mod caller;
mod model;

pub use caller::{Admin, Customer, Operator};
pub use model::{Principal, Role};
