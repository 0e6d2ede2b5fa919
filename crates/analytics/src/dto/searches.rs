use chrono::NaiveDate;
use loadmaster_kernel::AirportCode;
use loadmaster_platform::web::{Fields, read, request, with};
use loadmaster_reference::Reference;
use loadmaster_search::Outcome;

use super::params::read_end;
use crate::model::{SearchFilter, Span};

request! {
    /// Which searches are listed; filters combine with AND.
    pub struct SearchParams in query(reference: &Reference, today: NaiveDate) {
        /// First local date on which was asked. Default: 27 days before `to`.
        from: Option<NaiveDate> = read::date,
        /// Last local date on which was asked, at most 399 days after `from`. Default: tomorrow
        /// (UTC), which has begun in the east.
        to: Option<NaiveDate> = with(|fields| read_end(fields, from, today)),
        /// Only searches from this airport.
        origin: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Only searches to this airport.
        destination: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Only searches of which this became.
        #[param(inline)]
        outcome: Option<Outcome> = read::word(Outcome::WORDS),
    }
}

pub fn read_searches(fields: &mut Fields<'_>, reference: &Reference, today: NaiveDate) -> Option<SearchFilter> {
    let today = today.succ_opt().unwrap_or(today);
    let SearchParams { from, to, origin, destination, outcome } = SearchParams::read(fields, reference, today)?;
    Some(SearchFilter { span: Span::of(from, to, today), origin, destination, outcome })
}
