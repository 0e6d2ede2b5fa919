use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_platform::zones::Zone;

/// How often an offset is looked up: no time zone changes its offset twice in a day.
const STEP: TimeDelta = TimeDelta::days(1);

/// The offsets from UTC of time zones, each with the time in which it is in force: one entry of each list belongs to one of
/// the others. Local dates are computed from them in statements, and by the same rules as everywhere in the product: the
/// database may have other rules, and lack some zones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offsets {
    pub zones: Vec<&'static str>,
    pub starts: Vec<DateTime<Utc>>,
    pub ends: Vec<DateTime<Utc>>,
    /// Positive east of Greenwich.
    pub seconds: Vec<i32>,
}

impl Offsets {
    /// Returns the offsets of these time zones from one instant until another.
    pub fn between(zones: impl IntoIterator<Item = Zone>, from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        let by_name: BTreeMap<&'static str, Zone> = zones.into_iter().map(|zone| (zone.name(), zone)).collect();
        let mut all = Self::default();
        for (name, zone) in by_name {
            let mut start = from;
            while start < to {
                let end = end_of(zone, start, to);
                all.zones.push(name);
                all.starts.push(start);
                all.ends.push(end);
                all.seconds.push(offset(zone, start));
                start = end;
            }
        }
        all
    }
}

fn offset(zone: Zone, at: DateTime<Utc>) -> i32 {
    zone.offset(at).local_minus_utc()
}

/// Returns when the offset of `start` ends, at most `to`; to the second.
fn end_of(zone: Zone, start: DateTime<Utc>, to: DateTime<Utc>) -> DateTime<Utc> {
    let own = offset(zone, start);
    let mut same = start;
    while same < to {
        let mut other = (same + STEP).min(to);
        if offset(zone, other) != own {
            while other - same > TimeDelta::seconds(1) {
                let middle = same + TimeDelta::seconds((other - same).num_seconds() / 2);
                if offset(zone, middle) == own { same = middle } else { other = middle }
            }
            return other;
        }
        same = other;
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn each_offset_has_the_time_in_which_it_is_in_force() {
        let (from, to) = (at("2026-03-01T00:00:00Z"), at("2026-11-15T00:00:00Z"));
        let zones = ["Europe/London", "Asia/Kolkata", "Europe/London"].map(|name| Zone::named(name).unwrap());
        let found = Offsets::between(zones, from, to);
        let (spring, autumn) = (at("2026-03-29T01:00:00Z"), at("2026-10-25T01:00:00Z"));
        assert_eq!(found.zones, ["Asia/Kolkata", "Europe/London", "Europe/London", "Europe/London"]);
        assert_eq!(found.starts, [from, from, spring, autumn]);
        assert_eq!(found.ends, [to, spring, autumn, to]);
        assert_eq!(found.seconds, [19_800, 0, 3600, 0]);
    }

    #[test]
    fn a_day_that_a_zone_skipped_is_no_gap() {
        let (from, to) = (at("2011-12-29T00:00:00Z"), at("2012-01-01T00:00:00Z"));
        let found = Offsets::between(Zone::named("Pacific/Apia"), from, to);
        assert_eq!(found.ends, [at("2011-12-30T10:00:00Z"), to]);
        assert_eq!(found.seconds, [-10 * 3600, 14 * 3600]);
    }
}
