use chrono::{DateTime, Utc};
use loadmaster_kernel::ApiKeyId;
use loadmaster_platform::web::{Fields, Patch, read};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use super::model::ApiKey;

use crate::{
    credentials::secret,
    lasting::SleepReason,
    people::{Role, read_name},
};

/// The highest rate limit of an API key.
const MAX_RATE_LIMIT: u32 = 1_000_000;

/// A new API key.
#[derive(Debug, ToSchema)]
pub(super) struct CreateApiKey {
    /// A name that identifies the key.
    #[schema(min_length = 1, max_length = 500, example = "warehouse scanner")]
    pub name: String,
    /// The role of the key, at most yours. Default: your role. The key never has more rights than you have at the time
    /// of a request.
    pub role: Option<Role>,
    /// Default: the key is valid until it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
    /// Your password. Required if you logged in more than ten minutes ago.
    #[schema(value_type = Option<String>, format = Password, min_length = 1, max_length = 500)]
    pub password: Option<SecretString>,
}

impl CreateApiKey {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", read_name);
        let role = fields.optional("role", read::word(Role::OF_KEYS));
        let expires_at = fields.optional("expires_at", read::instant);
        let password = fields.optional("password", secret);
        Some(Self { name: name?, role, expires_at, password })
    }
}

/// Changes to an API key by an administrator.
#[derive(Debug, ToSchema)]
pub(super) struct ChangeApiKey {
    /// Maximum number of requests per minute; `null`: the general limit applies.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1_000_000)]
    pub rate_limit_per_minute: Patch<u32>,
}

impl ChangeApiKey {
    pub fn read(fields: &mut Fields<'_>) -> Self {
        Self { rate_limit_per_minute: fields.patch("rate_limit_per_minute", read::integer(1, MAX_RATE_LIMIT)) }
    }
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApiKeyBody {
    /// Permanent identifier.
    pub id: ApiKeyId,
    /// Its name.
    pub name: String,
    pub role: Role,
    /// It is valid until this time; null: without end.
    #[schema(required = true)]
    pub expires_at: Option<DateTime<Utc>>,
    /// Saved at most once per minute; may be up to 2 minutes late.
    #[schema(required = true)]
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Maximum number of requests per minute; null: the general limit applies.
    #[schema(required = true)]
    pub rate_limit_per_minute: Option<u32>,
    /// Whether the key is refused for the time being, because of its user.
    pub asleep: bool,
    /// Why it is; null while it is awake.
    #[schema(required = true)]
    pub asleep_because: Option<SleepReason>,
}

impl From<&ApiKey> for ApiKeyBody {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name.clone(),
            role: key.role,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            created_at: key.created_at,
            rate_limit_per_minute: key.rate_limit_per_minute,
            asleep: key.asleep_because.is_some(),
            asleep_because: key.asleep_because,
        }
    }
}

/// A new API key, with its secret.
#[derive(Serialize, ToSchema)]
pub(super) struct NewApiKeyBody {
    /// Permanent identifier.
    pub id: ApiKeyId,
    /// Its name.
    pub name: String,
    pub role: Role,
    /// It is valid until this time; null: without end.
    #[schema(required = true)]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used; null if it never was.
    #[schema(required = true)]
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Maximum number of requests per minute; null: the general limit applies.
    #[schema(required = true)]
    pub rate_limit_per_minute: Option<u32>,
    /// Shown only in this response. Send it as `Authorization: Bearer lmk_…`.
    #[schema(example = "lmk_…")]
    pub key: String,
}

impl NewApiKeyBody {
    pub fn new(made: &ApiKey, secret: &SecretString) -> Self {
        let ApiKeyBody { id, name, role, expires_at, last_used_at, created_at, rate_limit_per_minute, .. } =
            made.into();
        let key = secret.expose_secret().to_owned();
        Self { id, name, role, expires_at, last_used_at, created_at, rate_limit_per_minute, key }
    }
}
