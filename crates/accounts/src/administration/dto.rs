use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{ActId, OrganizationId, UserId, words};
use loadmaster_platform::web::{
    Fields,
    bulk::{self, Ids},
    read, request,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    manage::UserChange,
    model::{Organization, OrganizationSort},
};

use crate::people::{Act, ActFilter, ManagedUser, Role, UserFilter, UserSort};

/// The longest id of a subject and name of an act that a list is filtered by.
const MAX_FILTER: usize = 100;
/// The longest name of an organization, in characters.
const LONGEST_NAME: usize = 200;

/// A user, as shown to administrators.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserBody {
    /// Permanent identifier.
    pub id: UserId,
    /// E-mail address.
    #[schema(format = Email)]
    pub email: String,
    /// Whether the user has shown to receive mail there.
    pub email_verified: bool,
    /// Name of the person.
    #[schema(required = true)]
    pub name: Option<String>,
    /// In the form `+<country><number>`.
    #[schema(required = true)]
    pub phone: Option<String>,
    /// Whether the user has verified the phone number.
    pub phone_verified: bool,
    pub role: Role,
    /// The organization whose bookings the user can see.
    pub organization_id: OrganizationId,
    /// A disabled user can neither log in nor use existing credentials.
    pub disabled: bool,
    /// UTC date of the last log-in with the password, or of the registration; null if it is not known. A session that is
    /// continued, and API keys, do not count.
    #[schema(required = true)]
    pub last_login_at: Option<NaiveDate>,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<&ManagedUser> for UserBody {
    fn from(managed: &ManagedUser) -> Self {
        let user = managed.user.clone();
        Self {
            id: user.id,
            email: user.email,
            email_verified: user.email_verified,
            name: user.name,
            phone: user.phone,
            phone_verified: user.phone_verified,
            role: user.role,
            organization_id: user.organization_id,
            disabled: managed.disabled,
            last_login_at: managed.last_login_on,
            version: managed.version,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// Changes to a user by an administrator.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes a body in OpenAPI; it is read into a `UserChange`")]
pub(super) struct ChangeUser {
    /// `customer`, `operator` or `admin`.
    #[schema(required = false)]
    role: Role,
    /// The new organization of the user. Existing bookings stay with the former one.
    #[schema(required = false)]
    organization_id: Uuid,
    /// Whether the user is disabled: sessions end, and log-ins and API keys are refused.
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

words! {
    /// An action on many users.
    pub enum BulkUserAction {
        Enable = "enable",
        Disable = "disable",
    }
}

request! {
    /// An action on many users.
    pub(super) struct BulkUsers in body {
        action: BulkUserAction = read::word(BulkUserAction::WORDS),
        /// Ids of the objects that the request applies to.
        #[schema(value_type = Vec<UserId>, min_items = 1, max_items = 200)]
        ids: Ids<UserId> = bulk::ids(read::code),
    }
}

request! {
    /// Which users a list shows; the filters combine with AND.
    pub(super) struct UserParams in query {
        /// Part of the e-mail address or name; case is ignored
        q: Option<String> = read::line(read::LINE),
        /// Only users with this role; `guest` is refused, as guests have no account.
        role: Option<Role> = read::word(Role::OF_ACCOUNTS),
        /// Only those of this organization.
        #[param(value_type = Option<Uuid>)]
        organization_id: Option<OrganizationId> = read::code,
        /// Only disabled users (`true`), or only those who can log in (`false`).
        disabled: Option<bool> = read::boolean,
    }
}

impl From<UserParams> for UserFilter {
    fn from(UserParams { q, role, organization_id, disabled }: UserParams) -> Self {
        Self { text: q, role, organization_id, disabled }
    }
}

/// An administrative act.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActBody {
    pub id: ActId,
    /// Name of the act, such as `user.changed`. More values may be added.
    #[schema(example = "user.changed")]
    pub act: String,
    /// The user who acted; null for the command line.
    #[schema(required = true)]
    pub actor_id: Option<UserId>,
    /// What kind of thing was acted on, such as `user`, `api_key`, `flight`, `booking` or `payment`. More values may be added.
    pub subject_kind: String,
    /// The id of what was acted on.
    pub subject_id: String,
    /// The new state of the subject, such as `{"role": {"from": "customer", "to": "operator"}}`.
    #[schema(value_type = Object)]
    pub data: Value,
    /// The id of the request, as in its header `X-Request-Id`.
    #[schema(required = true)]
    pub request_id: Option<String>,
    /// When the action was done.
    pub acted_at: DateTime<Utc>,
}

impl From<Act> for ActBody {
    fn from(act: Act) -> Self {
        let Act { id, name, actor_id, subject_kind, subject_id, data, request_id, acted_at } = act;
        Self { id, act: name, actor_id, subject_kind, subject_id, data, request_id, acted_at }
    }
}

pub(super) fn read_act_filter(fields: &mut Fields<'_>) -> ActFilter {
    ActFilter {
        actor_id: fields.optional("actor_id", read::code),
        subject_id: fields.optional("subject_id", read::line(MAX_FILTER)),
        act: fields.optional("act", read::line(MAX_FILTER)),
    }
}

/// An organization: a shipper, forwarder or carrier, whose people see the same bookings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Organization)]
pub(super) struct OrganizationBody {
    /// Permanent identifier.
    pub id: OrganizationId,
    /// Its name.
    #[schema(example = "Blue Crate Forwarding")]
    pub name: String,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

impl From<&Organization> for OrganizationBody {
    fn from(organization: &Organization) -> Self {
        let Organization { id, name, version, created_at } = organization.clone();
        Self { id, name, version, created_at }
    }
}

request! {
    /// Which organizations are listed.
    pub(super) struct OrganizationFilter in query {
        /// Part of the name; case is ignored.
        #[param(max_length = 100)]
        q: Option<String> = read::line(MAX_FILTER),
    }
}

request! {
    /// In which order a list shows organizations.
    #[derive(Copy, Default)]
    pub(super) struct OrganizationOrder in query {
        /// By creation (default `-created_at`, newest first) or by name; a leading `-` is descending.
        #[param(inline)]
        sort: Option<OrganizationSort> = read::word(OrganizationSort::WORDS),
    }
}

request! {
    /// In which order a list shows users.
    #[derive(Copy, Default)]
    pub(super) struct UserOrder in query {
        /// By creation (default `-created_at`, newest first) or by e-mail address; a leading `-` is descending.
        #[param(inline)]
        sort: Option<UserSort> = read::word(UserSort::WORDS),
    }
}

request! {
    /// An organization to create.
    pub(super) struct CreateOrganizationBody in body {
        /// Its name.
        #[schema(max_length = 200)]
        name: String = read::line(LONGEST_NAME),
    }
}

request! {
    /// Changes to an organization: a JSON merge patch (RFC 7396).
    pub(super) struct ChangeOrganization in patch {
        /// Its name.
        #[schema(max_length = 200)]
        name: Option<String> = read::line(LONGEST_NAME),
    }
}
