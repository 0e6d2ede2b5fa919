//! The differences between a season and the schedule, as text.
use std::{collections::HashSet, fmt::Write};

use chrono::{NaiveDate, Timelike};
use loadmaster_flights::{DaysOfOperation, Differences, Effect, Group, LocalTime, Terms};
use loadmaster_kernel::FlightNumber;

/// Most dates that are listed one by one.
const FEW: usize = 3;

/// Returns a line for each group, and the totals.
pub(super) fn listing(differences: &Differences, limit: usize) -> String {
    let mut text = String::new();
    for group in differences.groups.iter().take(limit) {
        text.push_str(&line(group));
        text.push('\n');
    }
    let all = differences.groups.len();
    if all > limit {
        _ = writeln!(text, "… and {} more lines; --limit {all} shows them", all - limit);
    }
    text.push_str(&totals(differences));
    text
}

fn totals(differences: &Differences) -> String {
    let count = |is_counted: fn(&Effect) -> bool| differences.count(is_counted) as u64;
    let new = count(|effect| matches!(effect, Effect::New { .. }));
    let changed = count(|effect| matches!(effect, Effect::Changed { .. }));
    let refused = count(|effect| matches!(effect, Effect::Refused(..)));
    let absent = count(|effect| matches!(effect, Effect::NotInFile(_)));
    let mut text = format!("new: {new}, changed: {changed}, unchanged: {}", differences.unchanged);
    for (count, about) in [
        (refused, "refused"),
        (absent, "not in the file (they stay as they are)"),
        (differences.departed, "departed (they stay as they are)"),
        (differences.past, "before today (left out)"),
        (differences.other_offsets, "legs with another offset from UTC than their airport's (which counts)"),
    ] {
        if count > 0 {
            _ = write!(text, ", {about}: {count}");
        }
    }
    text.push('\n');
    text
}

fn line(Group { number, origin, effect, dates }: &Group) -> String {
    let (word, terms, details) = match effect {
        Effect::Refused(terms, faults) => ("refused", terms, faults.join(" ")),
        Effect::Changed { from, to } => ("changed", to, changes(from, to)),
        Effect::New { terms, was_cancelled: false } => ("new", terms, whole(terms)),
        Effect::New { terms, was_cancelled: true } => ("new, cancelled before", terms, whole(terms)),
        Effect::NotInFile(terms) => ("not in the file", terms, whole(terms)),
    };
    let (lane, count) = (format!("{origin}-{}", terms.destination), dates.len());
    format!("{:<7} {lane} {count:>5} {word}, {}: {details}", number.as_str(), folded(dates))
}

/// Returns dates, which are in order, as a period with days of operation.
fn folded(dates: &[NaiveDate]) -> String {
    let [first, .., last] = dates else { return dates.iter().map(ToString::to_string).collect() };
    let listed = |dates: &[NaiveDate]| dates.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if dates.len() <= FEW {
        return listed(dates);
    }
    let days = DaysOfOperation::of(dates.iter().copied());
    let given: HashSet<&NaiveDate> = dates.iter().collect();
    let missing: Vec<NaiveDate> = days.between(*first, *last).filter(|date| !given.contains(date)).collect();
    let period = format!("{first} to {last}, days {days}");
    match missing.len() {
        0 => period,
        1..=FEW => format!("{period}, except {}", listed(&missing)),
        more => format!("{period}, except {more} of them"),
    }
}

fn whole(terms: &Terms) -> String {
    let times = format!("{}-{}", clock(terms.departure), clock(terms.arrival));
    let others =
        if terms.also_sold_as.is_empty() { String::new() } else { format!(", also sold as {}", other_numbers(terms)) };
    format!("{times}, {}, {}, cut-off {} min{others}", aircraft(terms), capacity(terms), terms.cutoff_minutes)
}

/// Returns what is different, old → new.
fn changes(from: &Terms, to: &Terms) -> String {
    let members = |terms: &Terms| {
        [
            ("destination", terms.destination.to_string()),
            ("departure", clock(terms.departure)),
            ("arrival", clock(terms.arrival)),
            ("aircraft", aircraft(terms)),
            ("freighter", (if terms.is_freighter { "yes" } else { "no" }).to_owned()),
            ("capacity", capacity(terms)),
            ("cut-off", format!("{} min", terms.cutoff_minutes)),
            ("also sold as", other_numbers(terms)),
        ]
    };
    let pairs = members(from).into_iter().zip(members(to)).filter(|(old, new)| old != new);
    let pairs_shown: Vec<String> = pairs.map(|((name, old), (_, new))| format!("{name} {old} → {new}")).collect();
    pairs_shown.join("; ")
}

fn aircraft(terms: &Terms) -> String {
    terms.aircraft.map_or_else(|| "no aircraft".to_owned(), |code| code.to_string())
}

fn capacity(terms: &Terms) -> String {
    let space = terms.capacity;
    format!("{}, {}, {} positions", space.weight, space.volume, space.positions.count())
}

fn other_numbers(terms: &Terms) -> String {
    let numbers: Vec<&str> = terms.also_sold_as.iter().map(FlightNumber::as_str).collect();
    if numbers.is_empty() { "no other number".to_owned() } else { numbers.join(", ") }
}

/// Returns a time such as `23:50`, `00:10+1`, or `01:30 (repeated)` when the clocks show it for the second time.
fn clock(LocalTime { time, days, is_repeated }: LocalTime) -> String {
    let format = if time.second() == 0 && time.nanosecond() == 0 { "%H:%M" } else { "%H:%M:%S%.f" };
    let days = if days == 0 { String::new() } else { format!("{days:+}") };
    let repeated = if is_repeated { " (repeated)" } else { "" };
    format!("{}{days}{repeated}", time.format(format))
}

#[cfg(test)]
mod tests {
    use super::*;
    use loadmaster_capacity::Space;

    fn time(text: &str, days: i64) -> LocalTime {
        LocalTime { time: text.parse().unwrap(), days, is_repeated: false }
    }

    fn terms() -> Terms {
        Terms {
            destination: "LHR".parse().unwrap(),
            departure: time("10:00:00", 0),
            arrival: time("14:30:00", 0),
            aircraft: Some("77X".parse().unwrap()),
            is_freighter: true,
            capacity: Space::from_columns(1_020_000, 653_000, 37),
            cutoff_minutes: 60,
            also_sold_as: Vec::new(),
        }
    }

    fn group(effect: Effect, dates: &[NaiveDate]) -> Group {
        Group { number: "AI101".parse().unwrap(), origin: "DEL".parse().unwrap(), effect, dates: dates.to_vec() }
    }

    fn dates(days: &str, first: &str, last: &str) -> Vec<NaiveDate> {
        days.parse::<DaysOfOperation>().unwrap().between(first.parse().unwrap(), last.parse().unwrap()).collect()
    }

    #[test]
    fn dates_fold_into_a_period_with_days_of_operation() {
        let season = dates("135", "2026-12-01", "2027-03-27");
        assert_eq!(folded(&season), "2026-12-02 to 2027-03-26, days 1.3.5..");
        assert_eq!(folded(&season[..1]), "2026-12-02");
        assert_eq!(folded(&season[..3]), "2026-12-02, 2026-12-04, 2026-12-07");
        let without = |left_out: &[usize]| {
            let kept = season.iter().enumerate().filter(|(at, _)| !left_out.contains(at));
            folded(&kept.map(|(_, date)| *date).collect::<Vec<_>>())
        };
        assert_eq!(without(&[10]), "2026-12-02 to 2027-03-26, days 1.3.5.., except 2026-12-25");
        assert_eq!(without(&[10, 11, 12, 13]), "2026-12-02 to 2027-03-26, days 1.3.5.., except 4 of them");
        assert_eq!(folded(&dates("1234567", "2026-12-01", "2026-12-04")), "2026-12-01 to 2026-12-04, days .2345..");
    }

    #[test]
    fn a_line_names_an_effect_and_its_flights() {
        let season = dates("135", "2026-12-01", "2027-03-27");
        let new = |was_cancelled| Effect::New { terms: terms(), was_cancelled };
        let whole = "10:00-14:30, 77X, 102000 kg, 653 m³, 37 positions, cut-off 60 min";
        let period = "2026-12-02 to 2027-03-26, days 1.3.5..";
        assert_eq!(line(&group(new(false), &season)), format!("AI101   DEL-LHR    50 new, {period}: {whole}"));
        let again = line(&group(new(true), &season[..1]));
        assert_eq!(again, format!("AI101   DEL-LHR     1 new, cancelled before, 2026-12-02: {whole}"));
        let absent = line(&group(Effect::NotInFile(terms()), &season[..1]));
        assert_eq!(absent, format!("AI101   DEL-LHR     1 not in the file, 2026-12-02: {whole}"));
        let faults = vec!["`weight_kg` in row 1 must not be less.".to_owned()];
        let refused = line(&group(Effect::Refused(terms(), faults), &season[..1]));
        assert_eq!(refused, "AI101   DEL-LHR     1 refused, 2026-12-02: `weight_kg` in row 1 must not be less.");
    }

    #[test]
    fn a_change_shows_the_values_before_and_after() {
        let shown = |to: Terms| changes(&terms(), &to);
        let retimed = Terms { departure: time("23:50:00", -1), arrival: time("00:10:30", 1), ..terms() };
        assert_eq!(shown(retimed), "departure 10:00 → 23:50-1; arrival 14:30 → 00:10:30+1");
        let repeated = Terms { departure: LocalTime { is_repeated: true, ..terms().departure }, ..terms() };
        assert_eq!(shown(repeated), "departure 10:00 → 10:00 (repeated)");
        let sold = Terms { also_sold_as: vec!["SQ401".parse().unwrap(), "UA9001".parse().unwrap()], ..terms() };
        assert_eq!(shown(sold.clone()), "also sold as no other number → SQ401, UA9001");
        assert!(whole(&sold).ends_with("cut-off 60 min, also sold as SQ401, UA9001"));
        let swapped = Terms {
            destination: "FRA".parse().unwrap(),
            aircraft: None,
            is_freighter: false,
            capacity: Space::from_columns(10_005, 6_003, 0),
            cutoff_minutes: 90,
            ..terms()
        };
        let expected = "destination LHR → FRA; aircraft 77X → no aircraft; freighter yes → no; \
                        capacity 102000 kg, 653 m³, 37 positions → 1000.5 kg, 6.003 m³, 0 positions; cut-off 60 min → 90 min";
        assert_eq!(shown(swapped), expected);
    }

    #[test]
    fn no_more_lines_are_shown_than_wanted_and_totals_follow() {
        let season = dates("1234567", "2026-12-01", "2026-12-20");
        let effects = [
            Effect::Refused(terms(), vec!["No.".to_owned()]),
            Effect::New { terms: terms(), was_cancelled: false },
            Effect::New { terms: terms(), was_cancelled: true },
            Effect::Changed { from: terms(), to: Terms { cutoff_minutes: 90, ..terms() } },
            Effect::NotInFile(terms()),
        ];
        let groups = effects.into_iter().zip(1..).map(|(effect, many)| group(effect, &season[..many])).collect();
        let all = Differences { groups, unchanged: 9, departed: 5, past: 8, other_offsets: 0 };
        let text = listing(&all, 2);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[2], "… and 3 more lines; --limit 5 shows them");
        let totals = "new: 5, changed: 4, unchanged: 9, refused: 1, \
                      not in the file (they stay as they are): 5, departed (they stay as they are): 5, \
                      before today (left out): 8";
        assert_eq!(lines[3], totals);
        assert_eq!(listing(&all, 5).lines().count(), 6);
        assert_eq!(listing(&Differences::default(), 5), "new: 0, changed: 0, unchanged: 0\n");
    }
}
