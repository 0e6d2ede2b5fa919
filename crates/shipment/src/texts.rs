//! Free text and personal data of a shipment, as holds and bookings share them: the part that erasure may blank.
use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_platform::web::{Patch, read, request};
use serde::{Deserialize, Serialize};

/// Members that a patch leaves without a required value, each with its fault.
pub type MemberFaults = Vec<(&'static str, Fault)>;

request! {
    /// The shipper or the consignee.
    #[derive(PartialEq, Eq, Serialize, Deserialize)]
    pub struct Party in body {
        /// Its name.
        name: String = read::line(read::LINE),
        /// The number of the account with the carrier.
        account_number: Option<String> = read::line(read::LINE),
        /// Street and number.
        street: Option<String> = read::line(read::LINE),
        /// The name of the city.
        city: Option<String> = read::line(read::LINE),
        /// Postal code, as the country writes it.
        postal_code: Option<String> = read::line(read::LINE),
        /// ISO 3166 alpha-2.
        #[schema(min_length = 1, pattern = "^[A-Za-z]{2}$")]
        country_code: Option<String> = read::country,
        /// Phone number with the country code, as people write it: `+44 (0)20 7946 0123` is kept as `+442079460123`,
        /// without what is dialled within the country only.
        #[schema(max_length = 40, pattern = r"^\+[ .()/~-]*[1-9]([ .()/~-]*[0-9]){6,16}[ .()/~-]*$",
                 example = "+442079460123")]
        phone: Option<String> = read::phone,
        /// E-mail address.
        email: Option<String> = read::email,
    }
}

request! {
    /// Changes to the shipper or consignee; its members are merged. A new party requires a `name`.
    pub struct AmendParty in patch {
        /// Its name.
        #[schema(max_length = 500)]
        name: Option<String> = read::line(read::LINE),
        /// The number of the account with the carrier.
        account_number: Patch<String> = read::line(read::LINE),
        /// Street and number.
        street: Patch<String> = read::line(read::LINE),
        /// The name of the city.
        city: Patch<String> = read::line(read::LINE),
        /// Postal code, as the country writes it.
        postal_code: Patch<String> = read::line(read::LINE),
        /// ISO 3166 alpha-2.
        #[schema(min_length = 1, pattern = "^[A-Za-z]{2}$")]
        country_code: Patch<String> = read::country,
        /// Phone number with the country code, as people write it: `+44 (0)20 7946 0123` is kept as `+442079460123`,
        /// without what is dialled within the country only.
        #[schema(max_length = 40, pattern = r"^\+[ .()/~-]*[1-9]([ .()/~-]*[0-9]){6,16}[ .()/~-]*$",
                 example = "+442079460123")]
        phone: Patch<String> = read::phone,
        /// E-mail address.
        email: Patch<String> = read::email,
    }
}

impl Party {
    /// A party of which nothing but its name is known.
    const fn named(name: String) -> Self {
        Self {
            name,
            account_number: None,
            street: None,
            city: None,
            postal_code: None,
            country_code: None,
            phone: None,
            email: None,
        }
    }
}

impl AmendParty {
    /// Returns the amended party.
    #[must_use]
    pub fn amended(self, party: &Party) -> Party {
        Party {
            name: self.name.unwrap_or_else(|| party.name.clone()),
            account_number: self.account_number.or(party.account_number.clone()),
            street: self.street.or(party.street.clone()),
            city: self.city.or(party.city.clone()),
            postal_code: self.postal_code.or(party.postal_code.clone()),
            country_code: self.country_code.or(party.country_code.clone()),
            phone: self.phone.or(party.phone.clone()),
            email: self.email.or(party.email.clone()),
        }
    }

    /// Returns the amended or the new party; `None` if no name is given or known.
    fn apply(self, party: Option<&Party>) -> Option<Party> {
        match party {
            Some(party) => Some(self.amended(party)),
            None => self.name.clone().map(|name| self.amended(&Party::named(name))),
        }
    }
}

/// The texts of a shipment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    pub description: Option<String>,
    pub customer_reference: Option<String>,
    pub shipper: Option<Party>,
    pub consignee: Option<Party>,
}

/// The members of a merge patch that change texts.
#[derive(Debug, Clone, Copy)]
pub struct TextsPatch<'a> {
    pub description: &'a Patch<String>,
    pub customer_reference: &'a Patch<String>,
    pub shipper: &'a Patch<AmendParty>,
    pub consignee: &'a Patch<AmendParty>,
}

impl TextsPatch<'_> {
    pub fn apply(self, texts: Texts) -> Result<Texts, MemberFaults> {
        let mut faults = Vec::new();
        let mut party = |patch: &Patch<AmendParty>, before: Option<Party>, name| match patch {
            Patch::Keep => before,
            Patch::Clear => None,
            Patch::Set(patch) => {
                let party = patch.clone().apply(before.as_ref());
                if party.is_none() {
                    faults.push((name, Fault::new(FaultCode::Required, "is required")));
                }
                party
            }
        };
        let shipper = party(self.shipper, texts.shipper, "/shipper/name");
        let consignee = party(self.consignee, texts.consignee, "/consignee/name");
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Texts {
            description: self.description.clone().or(texts.description),
            customer_reference: self.customer_reference.clone().or(texts.customer_reference),
            shipper,
            consignee,
        })
    }
}

/// The person to be told about a shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Contact {
    /// Name of the person.
    #[schema(required = true)]
    pub name: Option<String>,
    /// E-mail address.
    #[schema(format = Email)]
    pub email: String,
    /// Phone number with the country code, as people write it: `+44 (0)20 7946 0123` is kept as `+442079460123`,
    /// without what is dialled within the country only.
    #[schema(required = true)]
    pub phone: Option<String>,
}

request! {
    /// Changes to the contact; its members are merged. A new contact requires an `email`.
    pub struct AmendContact in patch {
        /// Name of the person.
        #[schema(max_length = 500)]
        name: Patch<String> = read::line(read::LINE),
        /// E-mail address.
        email: Option<String> = read::email,
        /// Phone number with the country code, as people write it: `+44 (0)20 7946 0123` is kept as `+442079460123`,
        /// without what is dialled within the country only.
        #[schema(max_length = 40, pattern = r"^\+[ .()/~-]*[1-9]([ .()/~-]*[0-9]){6,16}[ .()/~-]*$",
                 example = "+442079460123")]
        phone: Patch<String> = read::phone,
    }
}

impl AmendContact {
    /// Returns the contact after the change.
    pub fn apply(&self, contact: Option<&Contact>) -> Result<Contact, MemberFaults> {
        let before = |value: fn(&Contact) -> Option<String>| contact.and_then(value);
        let email = self.email.clone().or_else(|| before(|contact| Some(contact.email.clone())));
        let Some(email) = email else {
            return Err(vec![("/contact/email", Fault::new(FaultCode::Required, "is required"))]);
        };
        let name = self.name.clone().or(before(|contact| contact.name.clone()));
        let phone = self.phone.clone().or(before(|contact| contact.phone.clone()));
        Ok(Contact { name, email, phone })
    }
}
