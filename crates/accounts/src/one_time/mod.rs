//! Tokens that are good for one use: of a link in a mail, or six digits in a text message. Decides which are valid. Nothing
//! secret is stored: a token is the id of its row under a seal, and is made again whenever a message is written.
mod mail;
mod model;
mod repository;
mod service;
mod verify;

pub use mail::{AccountMail, AccountMailKind, AccountMails, AccountNotice};
pub use model::{NewToken, OneTimeToken, Purpose};
pub use service::OneTime;
pub(super) use verify::{Asker, mail_verification_in_tx, text_digits_in_tx};
