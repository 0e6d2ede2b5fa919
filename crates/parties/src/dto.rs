mod template;

use chrono::{DateTime, Utc};
use loadmaster_kernel::{OrganizationId, PartyId, UserId};
use loadmaster_platform::web::{read, request};
use loadmaster_shipment::Party;
use serde::Serialize;
use utoipa::ToSchema;

pub(super) use template::{BookingTemplateBody, ChangeBookingTemplate, CreateBookingTemplate};

use super::model::Entry;

/// A party in the address book of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AddressBookParty)]
pub(super) struct PartyBody {
    pub id: PartyId,
    pub name: String,
    #[schema(required = true)]
    pub account_number: Option<String>,
    #[schema(required = true)]
    pub street: Option<String>,
    #[schema(required = true)]
    pub city: Option<String>,
    #[schema(required = true)]
    pub postal_code: Option<String>,
    #[schema(required = true)]
    pub country_code: Option<String>,
    #[schema(required = true)]
    pub phone: Option<String>,
    #[schema(required = true)]
    pub email: Option<String>,
    pub organization_id: OrganizationId,
    /// The user who created it; null once that person is erased.
    #[schema(required = true)]
    pub created_by: Option<UserId>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<&Entry<Party>> for PartyBody {
    fn from(entry: &Entry<Party>) -> Self {
        let Party { name, account_number, street, city, postal_code, country_code, phone, email } =
            entry.content.clone();
        Self {
            id: entry.id,
            name,
            account_number,
            street,
            city,
            postal_code,
            country_code,
            phone,
            email,
            organization_id: entry.organization_id,
            created_by: entry.created_by,
            version: entry.version,
            created_at: entry.created_at,
            updated_at: entry.updated_at,
        }
    }
}

request! {
    /// Which entries a list shows.
    pub(super) struct NameFilter in query {
        /// Part of the name; case is ignored.
        #[param(max_length = 500)]
        q: Option<String> = read::line(read::LINE),
    }
}
