//! The ways out: a relay, a gateway, or files.
mod gateway;
mod mailbox;
mod smtp;

use lettre::Message;
use loadmaster_kernel::LetterId;

pub(super) use gateway::Gateway;
pub(super) use mailbox::{Mailbox, StoredLetter};
pub(super) use smtp::Relay;

use super::{
    model::{Address, Receiver},
    templates::Text,
};

/// A letter as it goes out.
pub(super) struct Outgoing {
    pub id: LetterId,
    pub kind: String,
    pub receiver: Receiver,
    pub to: Address,
    pub text: Text,
    /// For e-mail.
    pub mail: Option<Message>,
}

/// What became of an attempt. The texts name no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Delivery {
    Delivered,
    /// The other side is away, or does not let us in: that says nothing about the letter.
    Away(String),
    /// Not now.
    Later(String),
    /// Whether it was delivered is not known, and the receiver could not recognize a repetition.
    Unknown(String),
    /// Never.
    Refused(String),
    /// Never, and nothing else to this address.
    NoSuchAddress(String),
}

/// Where the letters of one channel go.
pub(super) enum Transport {
    None,
    Mailbox(Mailbox),
    Relay(Box<Relay>),
    Gateway(Box<Gateway>),
}

impl Transport {
    pub async fn deliver(&self, outgoing: &Outgoing) -> Delivery {
        match self {
            Self::None => Delivery::Refused("no_transport".to_owned()),
            Self::Mailbox(mailbox) => mailbox.deliver(outgoing).await,
            Self::Relay(relay) => match &outgoing.mail {
                Some(mail) => relay.deliver(mail).await,
                None => Delivery::Refused("unwritable".to_owned()),
            },
            Self::Gateway(gateway) => gateway.deliver(outgoing).await,
        }
    }

    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether the receiver can distinguish a repetition from another letter.
    pub fn may_repeat(&self) -> bool {
        !matches!(self, Self::Gateway(_))
    }
}
