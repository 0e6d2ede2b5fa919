//! What staff writes about a station.
use std::{cell::RefCell, collections::HashSet, fmt::Debug};

use chrono::NaiveDate;
use loadmaster_kernel::{AirportCode, Fault, FaultCode, HandlingCode, words};
use loadmaster_platform::web::{
    Condition, Fields, Raw,
    bulk::{Ids, ids},
    condition::{any, given},
    list, objects, read, request, with,
};
use loadmaster_reference::Reference;

use super::{
    acceptance::Acceptance,
    hours::{LocalTime, StationDesk, StationHours, fault_of_closing, overlap},
    model::{Contact, Content, Notice, StationCapability},
};

/// The longest summary, text, highlight, notice and name of a contact, in characters.
pub(super) const LONGEST_SUMMARY: usize = 300;
pub(super) const LONGEST_TEXT: usize = 5000;
const LONGEST_HIGHLIGHT: usize = 200;
const LONGEST_NAME: usize = 100;
const LONGEST_PRODUCT: usize = 20;
pub(super) const MOST_HIGHLIGHTS: usize = 10;
pub(super) const MOST_TAGS: usize = 10;
pub(super) const MOST_CAPABILITIES: usize = 20;
pub(super) const MOST_HOURS: usize = 50;
pub(super) const MOST_RULES: usize = 50;
const MOST_NOTICES: usize = 20;
const MOST_CONTACTS: usize = 20;
/// The longest slug of a tag or collection.
const LONGEST_SLUG: usize = 40;
/// The longest time before a departure, in minutes: a week.
pub(super) const LONGEST_BEFORE: i32 = 10_080;

/// Days of the week, at least one.
type Weekdays = Vec<i16>;

request! {
    /// A time in which a desk is open.
    pub(super) struct NewStationHours in body {
        desk: StationDesk = read::word(StationDesk::WORDS),
        /// ISO 8601 weekdays, local to the station, each once: 1 is Monday, 7 is Sunday.
        #[schema(value_type = Vec<i16>, min_items = 1, max_items = 7, minimum = 1, maximum = 7)]
        days: Weekdays = with(read_days),
        /// When it opens, local to the station.
        from: LocalTime = read::code,
        /// When it closes on the same day: after `from`; `24:00` is the end of the day.
        to: LocalTime = |raw| fault_of_closing(from, read::code(raw)?),
    }
}

request! {
    /// A rule by when freight must be delivered.
    pub(super) struct NewStationAcceptance in body(reference: &Reference) {
        /// Minutes before the departure of the first flight.
        #[schema(minimum = 0, maximum = 10_080)]
        minutes_before: i32 = read::integer(0, LONGEST_BEFORE),
        /// Only freight of this product.
        #[schema(min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9-]+$")]
        product: Option<String> = read_product,
        /// Only freight with this special handling code.
        handling_code: Option<HandlingCode> = |raw| reference.read_handling_code(raw),
    }
}

request! {
    /// A text that is shown on some dates.
    pub(super) struct NewStationNotice in body {
        /// What it says, in plain text.
        #[schema(max_length = 500)]
        text: String = read::prose(read::LINE),
        /// The first date on which it holds, local to the station.
        from: NaiveDate = read::date,
        /// The last date on which it holds, local to the station.
        to: NaiveDate = |raw| read::last_date(raw, from, "from"),
    }
}

request! {
    /// Whom to reach at a desk, by phone or e-mail.
    pub(super) struct NewStationContact in body {
        desk: StationDesk = read::word(StationDesk::WORDS),
        /// Name of a person or an office.
        #[schema(max_length = 100)]
        name: Option<String> = read::line(LONGEST_NAME),
        /// In the international form.
        #[schema(max_length = 40, example = "+49 30 555777")]
        phone: Option<String> = read::phone,
        /// An e-mail address.
        #[schema(max_length = 254)]
        email: Option<String> = read::email,
    }
}

impl NewStationContact {
    /// A way to reach somebody.
    pub const NEEDS: Condition =
        Condition::of::<Self>(&["desk"], || any(&[given("phone", "string"), given("email", "string")]));
}

request! {
    /// All that a station says about itself: it replaces what it said before. What is left out is empty.
    pub(super) struct ReplaceStation in body(reference: &Reference) {
        /// One sentence.
        #[schema(max_length = 300)]
        summary: Option<String> = read::line(LONGEST_SUMMARY),
        /// Plain text, in paragraphs.
        #[schema(max_length = 5000)]
        text: Option<String> = read::prose(LONGEST_TEXT),
        /// What it is good at, in a few words each.
        #[schema(max_items = 10)]
        highlights: Vec<String> = list(MOST_HIGHLIGHTS, read_highlight),
        /// Codes of tags in force, each once: `GET /station-tags`.
        #[schema(max_items = 10)]
        tags: Vec<String> = list(MOST_TAGS, once(slug)),
        /// What it can do, each once.
        #[schema(max_items = 20)]
        capabilities: Vec<StationCapability> = list(MOST_CAPABILITIES, once(read::word(StationCapability::WORDS))),
        /// When desks are open; the hours of one desk do not overlap.
        #[schema(max_items = 50)]
        hours: Vec<NewStationHours> = with(read_hours),
        /// By when freight must be delivered: of the rules that match it, the longest counts.
        #[schema(max_items = 50)]
        acceptance: Vec<NewStationAcceptance> =
            objects(MOST_RULES, |inner| NewStationAcceptance::read(inner, reference)),
        /// What holds on some dates only.
        #[schema(max_items = 20)]
        notices: Vec<NewStationNotice> = objects(MOST_NOTICES, NewStationNotice::read),
        /// Shown to callers with an account only.
        #[schema(max_items = 20)]
        contacts: Vec<NewStationContact> = with(read_contacts),
    }
}

impl From<ReplaceStation> for Content {
    fn from(new: ReplaceStation) -> Self {
        let hours = |NewStationHours { desk, days, from, to }| StationHours { desk, days, from, to };
        let acceptance = |NewStationAcceptance { minutes_before, product, handling_code }| Acceptance {
            minutes_before,
            product,
            handling_code,
        };
        let notice = |NewStationNotice { text, from, to }| Notice { text, from, to };
        let contact = |NewStationContact { desk, name, phone, email }| Contact { desk, name, phone, email };
        Self {
            summary: new.summary,
            text: new.text,
            highlights: new.highlights,
            tags: new.tags,
            capabilities: new.capabilities,
            hours: new.hours.into_iter().map(hours).collect(),
            acceptance: new.acceptance.into_iter().map(acceptance).collect(),
            notices: new.notices.into_iter().map(notice).collect(),
            contacts: new.contacts.into_iter().map(contact).collect(),
        }
    }
}

/// Reads a highlight, without the blanks around it: in a table it stands on a line of its own.
pub(super) fn read_highlight(raw: Raw<'_>) -> Result<String, Fault> {
    Ok(read::line(LONGEST_HIGHLIGHT)(raw)?.trim().to_owned())
}

fn read_days(fields: &mut Fields<'_>) -> Option<Weekdays> {
    let mut days: Weekdays = fields.optional("days", list(7, once(read::integer(1_i16, 7))))?;
    if days.is_empty() && fields.is_clean() {
        fields.fault("days", &Fault::new(FaultCode::TooShort, "must have at least one entry"));
    }
    days.sort_unstable();
    Some(days)
}

fn read_hours(fields: &mut Fields<'_>) -> Option<Vec<NewStationHours>> {
    let all: Vec<NewStationHours> = fields.optional("hours", objects(MOST_HOURS, NewStationHours::read))?;
    let hours: Vec<StationHours> = all
        .iter()
        .map(|NewStationHours { desk, days, from, to }| StationHours {
            desk: *desk,
            days: days.clone(),
            from: *from,
            to: *to,
        })
        .collect();
    // With a faulty entry the places of the others are not those of the request.
    if fields.is_clean() {
        for index in overlapping(&hours) {
            fields.fault_of_member(("hours", index), "from", &overlap());
        }
    }
    Some(all)
}

/// Returns the places of hours in which their desk is open already.
pub(super) fn overlapping(hours: &[StationHours]) -> Vec<usize> {
    let overlaps = |index: &usize| hours[..*index].iter().any(|earlier| earlier.overlaps(&hours[*index]));
    (0..hours.len()).filter(overlaps).collect()
}

fn read_contacts(fields: &mut Fields<'_>) -> Option<Vec<NewStationContact>> {
    let all: Vec<NewStationContact> = fields.optional("contacts", objects(MOST_CONTACTS, NewStationContact::read))?;
    if fields.is_clean() {
        for (index, contact) in all.iter().enumerate() {
            if contact.phone.is_none() && contact.email.is_none() {
                let fault = Fault::new(FaultCode::Required, "is required without `email`");
                fields.fault_of_member(("contacts", index), "phone", &fault);
            }
        }
    }
    Some(all)
}

/// Returns a reader that refuses what it has read before.
pub(super) fn once<T: Debug>(read: impl Fn(Raw<'_>) -> Result<T, Fault>) -> impl Fn(Raw<'_>) -> Result<T, Fault> {
    let seen = RefCell::new(HashSet::new());
    move |raw| {
        let value = read(raw)?;
        let is_new = seen.borrow_mut().insert(format!("{value:?}"));
        if is_new { Ok(value) } else { Err(Fault::format("names what an earlier entry names")) }
    }
}

/// Reads the code of a tag, or the slug of a collection.
pub(super) fn slug(raw: Raw<'_>) -> Result<String, Fault> {
    let text = read::line(LONGEST_SLUG)(raw)?.trim().to_ascii_lowercase();
    let is_slug = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_slug.then_some(text).ok_or_else(|| Fault::format("must have only letters, digits and dashes"))
}

/// Reads a product as tariffs name it.
pub(super) fn read_product(raw: Raw<'_>) -> Result<String, Fault> {
    let product = read::line(LONGEST_PRODUCT)(raw)?.trim().to_ascii_uppercase();
    let is_product = product.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_product.then_some(product).ok_or_else(|| Fault::format("must have only letters, digits and dashes"))
}

words! {
    /// An action on many stations.
    pub enum BulkStationAction {
        Feature = "feature",
        Unfeature = "unfeature",
    }
}

request! {
    /// An action on many stations.
    pub(super) struct BulkStations in body {
        action: BulkStationAction = read::word(BulkStationAction::WORDS),
        /// IATA codes of the airports.
        #[schema(value_type = Vec<AirportCode>, min_items = 1, max_items = 200)]
        ids: Ids<AirportCode> = ids(read::code),
    }
}

request! {
    /// Which stations a list shows; filters combine with AND.
    pub(super) struct StationFilter in query {
        /// Part of a code, city or name of the airport, matched as in `/airports/search`.
        #[param(min_length = 1, max_length = 100, example = "new y")]
        q: Option<String> = read::line(LONGEST_NAME),
        /// ISO 3166-1 alpha-2.
        #[param(min_length = 1, pattern = "^[A-Za-z]{2}$", example = "IN")]
        country: Option<String> = read::country,
        /// Code of a tag.
        #[param(min_length = 1, max_length = 40, pattern = "^[A-Za-z0-9-]+$")]
        tag: Option<String> = slug,
        /// Only stations that can do this.
        capability: Option<StationCapability> = read::word(StationCapability::WORDS),
        /// Slug of a collection.
        #[param(min_length = 1, max_length = 40, pattern = "^[A-Za-z0-9-]+$")]
        collection: Option<String> = slug,
        /// `true`: only featured ones; `false`: only the others.
        featured: Option<bool> = read::boolean,
    }
}
