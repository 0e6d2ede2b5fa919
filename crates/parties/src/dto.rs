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
    /// Its name.
    pub name: String,
    /// The number of the account with the carrier.
    #[schema(required = true)]
    pub account_number: Option<String>,
    /// Street and number.
    #[schema(required = true)]
    pub street: Option<String>,
    /// The name of the city.
    #[schema(required = true)]
    pub city: Option<String>,
    /// Postal code, as the country writes it.
    #[schema(required = true)]
    pub postal_code: Option<String>,
    /// ISO 3166-1 code of the country, two letters.
    #[schema(required = true)]
    pub country_code: Option<String>,
    /// Phone number with the country code, as people write it: `+44 (0)20 7946 0123` is kept as `+442079460123`,
    /// without what is dialled within the country only.
    #[schema(required = true)]
    pub phone: Option<String>,
    /// E-mail address.
    #[schema(required = true)]
    pub email: Option<String>,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// The user who created it; null once that person is erased.
    #[schema(required = true)]
    pub created_by: Option<UserId>,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
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
