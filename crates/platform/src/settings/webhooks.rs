use std::path::PathBuf;

use base64::{Engine, engine::general_purpose::STANDARD};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{mask, networks};

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    #[serde(serialize_with = "mask::secret")]
    pub key: Option<SecretString>,
    #[serde(serialize_with = "mask::secrets")]
    pub former_keys: Vec<SecretString>,
}

impl Secrets {
    /// Returns the bytes of a key; `None` if it is not 32 bytes in base64.
    pub fn bytes(key: &SecretString) -> Option<[u8; 32]> {
        STANDARD.decode(key.expose_secret().trim()).ok()?.try_into().ok()
    }
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub ports: Vec<u16>,
    #[serde(deserialize_with = "networks")]
    pub trusted_networks: Vec<IpNet>,
    pub ca_file: Option<PathBuf>,
    pub max_per_organization: u32,
    pub retry_seconds: Vec<u32>,
    pub give_up_minutes: u32,
}
