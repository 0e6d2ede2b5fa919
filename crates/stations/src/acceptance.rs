//! By when freight must be delivered at a station.
use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{AirportCode, HandlingCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rule of a station: how long before departure it takes freight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = StationAcceptance)]
pub struct Acceptance {
    /// Minutes before the departure of the first flight.
    #[schema(minimum = 0, maximum = 10_080)]
    pub minutes_before: i32,
    /// Only freight of this product; null: of any.
    #[schema(required = true, example = "EXPRESS")]
    pub product: Option<String>,
    /// Only freight with this special handling code; null: any freight.
    #[schema(required = true)]
    pub handling_code: Option<HandlingCode>,
}

impl Acceptance {
    fn matches(&self, product: &str, handling_codes: &[HandlingCode]) -> bool {
        self.product.as_deref().is_none_or(|of| of == product)
            && self.handling_code.is_none_or(|code| handling_codes.contains(&code))
    }
}

/// The rules of all stations at one moment: immutable, and cheap to clone. The default has none.
#[derive(Debug, Clone, Default)]
pub struct Acceptances(Arc<HashMap<AirportCode, Vec<Acceptance>>>);

impl Acceptances {
    pub(super) fn new(rules: HashMap<AirportCode, Vec<Acceptance>>) -> Self {
        Self(Arc::new(rules))
    }

    /// Returns how long before departure the station takes this freight at the latest: the longest time of the rules that match
    /// it; `None` if none does.
    pub fn lead_time(&self, station: AirportCode, product: &str, handling_codes: &[HandlingCode]) -> Option<LeadTime> {
        let matching = self.0.get(&station)?.iter().filter(|rule| rule.matches(product, handling_codes));
        matching.map(|rule| LeadTime(rule.minutes_before)).max()
    }
}

/// How long before departure a station takes certain freight at the latest, in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeadTime(i32);

impl LeadTime {
    /// Returns the last instant at which the station takes the freight for this departure: never after the cut-off, which alone
    /// decides whether freight can be booked.
    pub fn latest_acceptance(self, departure: DateTime<Utc>, cut_off: DateTime<Utc>) -> DateTime<Utc> {
        cut_off.min(departure - TimeDelta::minutes(i64::from(self.0)))
    }
}

#[cfg(test)]
mod tests {
    use loadmaster_reference::Reference;

    use super::*;

    fn rule(minutes_before: i32, product: Option<&str>, code: Option<&str>) -> Acceptance {
        let handling_code = code.map(|code| code.parse().unwrap());
        Acceptance { minutes_before, product: product.map(str::to_owned), handling_code }
    }

    fn rules(station: &str, rules: Vec<Acceptance>) -> Acceptances {
        Acceptances::new(HashMap::from([(station.parse().unwrap(), rules)]))
    }

    fn instant(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    /// The latest acceptance as the clocks of the station show it; the cut-off is an hour before departure.
    fn local(rules: &Acceptances, station: &str, departure: &str, product: &str, codes: &[&str]) -> String {
        let (station, departure) = (station.parse().unwrap(), instant(departure));
        let codes: Vec<HandlingCode> = codes.iter().map(|code| code.parse().unwrap()).collect();
        let lead_time = rules.lead_time(station, product, &codes).expect("no rule matches");
        let latest = lead_time.latest_acceptance(departure, departure - TimeDelta::hours(1));
        let airport = Reference::bundled().unwrap().airport(station).unwrap();
        airport.local(latest).to_rfc3339()
    }

    #[test]
    fn the_longest_rule_that_matches_the_freight_counts() {
        let all = vec![rule(180, None, None), rule(90, Some("EXPRESS"), None), rule(360, None, Some("AVI"))];
        let del = rules("DEL", all);
        for (product, codes, latest) in [
            ("GENERAL", &[][..], "2026-12-01T09:00:00+05:30"),
            ("EXPRESS", &[], "2026-12-01T09:00:00+05:30"),
            ("GENERAL", &["PER", "AVI"], "2026-12-01T06:00:00+05:30"),
        ] {
            assert_eq!(local(&del, "DEL", "2026-12-01T12:00:00+05:30", product, codes), latest, "{product} {codes:?}");
        }
        let express = rules("DEL", vec![rule(90, Some("EXPRESS"), None), rule(240, Some("EXPRESS"), Some("AVI"))]);
        for (product, codes, latest) in
            [("EXPRESS", &[][..], "2026-12-01T10:30:00+05:30"), ("EXPRESS", &["AVI"], "2026-12-01T08:00:00+05:30")]
        {
            let found = local(&express, "DEL", "2026-12-01T12:00:00+05:30", product, codes);
            assert_eq!(found, latest, "{product} {codes:?}");
        }
    }

    #[test]
    fn a_station_without_a_rule_for_the_freight_says_nothing() {
        let (del, lhr) = ("DEL".parse().unwrap(), "LHR".parse().unwrap());
        let express = rules("DEL", vec![rule(240, Some("EXPRESS"), Some("AVI"))]);
        let avi = ["AVI".parse().unwrap()];
        assert_eq!(express.lead_time(del, "EXPRESS", &avi), Some(LeadTime(240)));
        for (station, product, codes) in [(del, "EXPRESS", &[][..]), (del, "GENERAL", &avi), (lhr, "EXPRESS", &avi)] {
            assert_eq!(express.lead_time(station, product, codes), None, "{station} {product} {codes:?}");
        }
        assert_eq!(Acceptances::default().lead_time(del, "GENERAL", &[]), None);
    }

    #[test]
    fn it_is_never_after_the_cut_off() {
        for minutes in [0, 59, 60] {
            let del = rules("DEL", vec![rule(minutes, None, None)]);
            let latest = local(&del, "DEL", "2026-12-01T12:00:00+05:30", "GENERAL", &[]);
            assert_eq!(latest, "2026-12-01T11:00:00+05:30", "{minutes}");
        }
        let del = rules("DEL", vec![rule(61, None, None)]);
        let latest = local(&del, "DEL", "2026-12-01T12:00:00+05:30", "GENERAL", &[]);
        assert_eq!(latest, "2026-12-01T10:59:00+05:30");
    }

    #[test]
    fn minutes_are_counted_by_the_instant_in_both_nights_in_which_clocks_change() {
        let lhr = rules("LHR", vec![rule(180, None, None)]);
        // 01:00 to 02:00 is skipped on March 29, and comes twice on October 25.
        let spring = local(&lhr, "LHR", "2026-03-29T04:00:00+01:00", "GENERAL", &[]);
        assert_eq!(spring, "2026-03-29T00:00:00+00:00");
        let autumn = local(&lhr, "LHR", "2026-10-25T03:00:00+00:00", "GENERAL", &[]);
        assert_eq!(autumn, "2026-10-25T01:00:00+01:00");
    }

    #[test]
    fn it_is_right_on_both_sides_of_the_date_line() {
        let both = Acceptances::new(HashMap::from(
            ["CXI", "PPG"].map(|code| (code.parse().unwrap(), vec![rule(240, None, None)])),
        ));
        let kiritimati = local(&both, "CXI", "2026-12-01T02:00:00+14:00", "GENERAL", &[]);
        assert_eq!(kiritimati, "2026-11-30T22:00:00+14:00");
        let pago_pago = local(&both, "PPG", "2026-12-01T02:00:00-11:00", "GENERAL", &[]);
        assert_eq!(pago_pago, "2026-11-30T22:00:00-11:00");
    }
}
