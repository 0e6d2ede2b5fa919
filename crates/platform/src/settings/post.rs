//! Messages to people: e-mail, SMS, and their subjects.
use std::{collections::BTreeMap, path::PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{Settings, mask};

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    pub transport: MailTransport,
    #[serde(serialize_with = "mask::url")]
    pub url: Option<SecretString>,
    pub ca_file: Option<PathBuf>,
    pub from: Option<String>,
    pub per_minute: u32,
}

/// Where e-mail goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTransport {
    /// `Mailbox` on the private database, else `None`.
    Auto,
    Mailbox,
    None,
    Smtp,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    pub transport: SmsTransport,
    #[serde(serialize_with = "mask::origin")]
    pub url: Option<SecretString>,
    #[serde(serialize_with = "mask::headers")]
    pub headers: BTreeMap<String, SecretString>,
    pub body: String,
    pub from: String,
    pub max_per_day: u32,
    pub codes_percent: u32,
    pub codes_per_address: u32,
}

/// Where text messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SmsTransport {
    /// `Mailbox` on the private database, else `None`.
    Auto,
    Mailbox,
    None,
    Http,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Notifications {
    pub language: String,
    pub templates_dir: Option<PathBuf>,
    pub collect_seconds: u32,
    pub cutoff_reminder_hours: u32,
}

impl Mail {
    /// Returns the transport in use. `is_private`: the server runs its own database.
    pub const fn transport(&self, is_private: bool) -> MailTransport {
        match self.transport {
            MailTransport::Auto if is_private => MailTransport::Mailbox,
            MailTransport::Auto => MailTransport::None,
            named => named,
        }
    }

    /// Returns the sender of e-mail.
    pub fn from(&self) -> &str {
        self.from.as_deref().unwrap_or("Loadmaster <loadmaster@localhost>")
    }
}

impl Sms {
    /// Returns the transport in use. `is_private`: the server runs its own database.
    pub const fn transport(&self, is_private: bool) -> SmsTransport {
        match self.transport {
            SmsTransport::Auto if is_private => SmsTransport::Mailbox,
            SmsTransport::Auto => SmsTransport::None,
            named => named,
        }
    }
}

impl Settings {
    /// Returns the address at which callers reach the server, without a slash at the end.
    pub fn public_url(&self) -> String {
        let server = &self.server;
        if let Some(url) = &server.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let host = match server.host.as_str() {
            "0.0.0.0" | "::" | "[::]" => "localhost".to_owned(),
            host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
            host => host.to_owned(),
        };
        format!("{}://{host}:{}", server.scheme(), server.port)
    }
}
