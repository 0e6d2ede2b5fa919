use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::name;
use crate::{
    features::accounts::{
        acts::{Act, ActFilter},
        model::{ApiKey, ManagedUser, Role},
        users::{UserChange, UserFilter},
    },
    kernel::{ActId, ApiKeyId, OrganizationId, UserId},
    platform::web::{Fields, Patch, read},
};

/// More than this a minute no key may be given.
const MOST_A_MINUTE: u32 = 1_000_000;
/// Longest id of what an act is about.
const LONGEST_SUBJECT: usize = 100;

/// A new API key.
#[derive(Debug, ToSchema)]
pub(in crate::features::accounts) struct CreateApiKey {
    /// To know it again by.
    #[schema(min_length = 1, max_length = 500, example = "warehouse scanner")]
    pub name: String,
    /// What the key may do, at most as much as you; by default the same. It never does more than you may at the time.
    pub role: Option<Role>,
    /// By default it lives until it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
}

impl CreateApiKey {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", name);
        let role = fields.optional("role", read::word(Role::OF_KEYS));
        let expires_at = fields.optional("expires_at", read::instant);
        Some(Self { name: name?, role, expires_at })
    }
}

/// What an administrator may change of an API key.
#[derive(Debug, ToSchema)]
pub(in crate::features::accounts) struct ChangeApiKey {
    /// Requests a minute; `null`: as many as any caller.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1_000_000)]
    pub rate_limit_per_minute: Patch<u32>,
}

impl ChangeApiKey {
    pub fn read(fields: &mut Fields<'_>) -> Self {
        Self { rate_limit_per_minute: fields.patch("rate_limit_per_minute", read::integer(1, MOST_A_MINUTE)) }
    }
}

/// An API key, without the key itself.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::features::accounts) struct ApiKeyBody {
    pub id: ApiKeyId,
    pub name: String,
    pub role: Role,
    #[schema(required = true)]
    pub expires_at: Option<DateTime<Utc>>,
    /// Kept at most once a minute; it may be two minutes old.
    #[schema(required = true)]
    pub last_used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// Requests a minute; null: as many as any caller.
    #[schema(required = true)]
    pub rate_limit_per_minute: Option<u32>,
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
        }
    }
}

/// An API key that was made just now, with the key itself.
#[derive(Serialize, ToSchema)]
pub(in crate::features::accounts) struct NewApiKeyBody {
    pub id: ApiKeyId,
    pub name: String,
    pub role: Role,
    #[schema(required = true)]
    pub expires_at: Option<DateTime<Utc>>,
    #[schema(required = true)]
    pub last_used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// Requests a minute; null: as many as any caller.
    #[schema(required = true)]
    pub rate_limit_per_minute: Option<u32>,
    /// Shown this once: sent as `Authorization: Bearer lmk_…`.
    #[schema(example = "lmk_…")]
    pub key: String,
}

impl NewApiKeyBody {
    pub fn new(made: &ApiKey, secret: &SecretString) -> Self {
        let ApiKeyBody { id, name, role, expires_at, last_used_at, created_at, rate_limit_per_minute } = made.into();
        let key = secret.expose_secret().to_owned();
        Self { id, name, role, expires_at, last_used_at, created_at, rate_limit_per_minute, key }
    }
}

/// A user as an administrator sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::features::accounts) struct UserBody {
    pub id: UserId,
    #[schema(format = Email)]
    pub email: String,
    #[schema(required = true)]
    pub name: Option<String>,
    pub role: Role,
    /// Whose bookings the user sees.
    pub organization_id: OrganizationId,
    /// Whether the user can neither log in nor use what was given before.
    pub disabled: bool,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<&ManagedUser> for UserBody {
    fn from(managed: &ManagedUser) -> Self {
        let user = managed.user.clone();
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            role: user.role,
            organization_id: user.organization_id,
            disabled: managed.disabled,
            version: managed.version,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// What an administrator may change of a user.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes a body in OpenAPI; it is read into a `UserChange`")]
pub(in crate::features::accounts) struct ChangeUser {
    /// `customer`, `operator` or `admin`.
    #[schema(required = false)]
    role: Role,
    /// The organization to belong to from now on; bookings stay where they are.
    #[schema(required = false)]
    organization_id: Uuid,
    /// Who is disabled cannot log in; sessions end, API keys are refused.
    #[schema(required = false)]
    disabled: bool,
}

impl ChangeUser {
    pub fn read(fields: &mut Fields<'_>) -> UserChange {
        fields.refuse_null(&["role", "organization_id", "disabled"]);
        UserChange {
            role: fields.optional("role", read::word(Role::OF_ACCOUNTS)),
            organization_id: fields.optional("organization_id", read::code),
            disabled: fields.optional("disabled", read::boolean),
        }
    }
}

pub(in crate::features::accounts) fn read_user_filter(fields: &mut Fields<'_>) -> UserFilter {
    UserFilter {
        text: fields.optional("q", read::line(read::LINE)),
        role: fields.optional("role", read::word(Role::OF_ACCOUNTS)),
        organization_id: fields.optional("organization_id", read::code),
        disabled: fields.optional("disabled", read::boolean),
    }
}

/// Who did which administrative act.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::features::accounts) struct ActBody {
    pub id: ActId,
    /// Such as `user.changed`. More may come.
    #[schema(example = "user.changed")]
    pub act: String,
    /// Null: at the command line.
    #[schema(required = true)]
    pub actor_id: Option<UserId>,
    /// `user`, `api_key`, `signing_key`, `flight` or `schedule`. More may come.
    pub subject_kind: String,
    pub subject_id: String,
    /// What was made of it, such as `{"role": {"from": "customer", "to": "operator"}}`.
    #[schema(value_type = Object)]
    pub data: Value,
    #[schema(required = true)]
    pub request_id: Option<String>,
    pub acted_at: DateTime<Utc>,
}

impl From<Act> for ActBody {
    fn from(act: Act) -> Self {
        let Act { id, name, actor_id, subject_kind, subject_id, data, request_id, acted_at } = act;
        Self { id, act: name, actor_id, subject_kind, subject_id, data, request_id, acted_at }
    }
}

pub(in crate::features::accounts) fn read_act_filter(fields: &mut Fields<'_>) -> ActFilter {
    ActFilter {
        actor_id: fields.optional("actor_id", read::code),
        subject_id: fields.optional("subject_id", read::line(LONGEST_SUBJECT)),
        act: fields.optional("act", read::line(LONGEST_SUBJECT)),
    }
}

/// The keys by which anybody can verify access tokens (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::features::accounts) struct JwkSet {
    pub keys: Vec<Jwk>,
}

/// A public key (RFC 8037).
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::features::accounts) struct Jwk {
    #[schema(example = "OKP")]
    pub kty: &'static str,
    #[schema(example = "Ed25519")]
    pub crv: &'static str,
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    pub usage: &'static str,
    #[schema(example = "EdDSA")]
    pub alg: &'static str,
    pub kid: String,
    pub x: String,
}

impl From<Vec<(String, String)>> for JwkSet {
    fn from(keys: Vec<(String, String)>) -> Self {
        let jwk = |(kid, x)| Jwk { kty: "OKP", crv: "Ed25519", usage: "sig", alg: "EdDSA", kid, x };
        Self { keys: keys.into_iter().map(jwk).collect() }
    }
}
