//! What a prepared result shows, as JSON.
use super::{
    super::{
        judge::Judge,
        model::Reason,
        spliced::{
            write_available, write_emissions, write_latest_acceptance, write_live, write_price, write_reasons,
            write_too_large,
        },
    },
    Capacities, Prepared,
    judging::{Judged, JudgedWay},
};

impl Prepared {
    /// Writes a flight, without its closing brace.
    fn write_flight(&self, out: &mut Vec<u8>, leg: usize, spaces: &Capacities) {
        // All that is shown was read before.
        if let Some(text) = self.flights[leg].text.get() {
            out.extend_from_slice(&text.before);
            write_live(out, &spaces[leg]);
            out.extend_from_slice(&text.after);
        }
    }

    /// Writes a direct flight of `direct_flights`.
    pub(super) fn write_direct(
        &self,
        out: &mut Vec<u8>,
        place: usize,
        judged: &Judged,
        spaces: &Capacities,
        judge: &Judge,
    ) {
        for leg in &self.ways[place].legs {
            self.write_flight(out, *leg, spaces);
        }
        self.write_judged(out, place, judged, spaces, judge);
    }

    /// Writes an option of any other list.
    pub(super) fn write_option(
        &self,
        out: &mut Vec<u8>,
        place: usize,
        judged: &Judged,
        spaces: &Capacities,
        judge: &Judge,
    ) {
        let way = &self.ways[place];
        let text = way.text(&self.flights);
        out.extend_from_slice(&text.before);
        for (number, leg) in way.legs.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            self.write_flight(out, *leg, spaces);
            out.push(b'}');
        }
        out.extend_from_slice(&text.after);
        write_available(out, judged.available);
        self.write_judged(out, place, judged, spaces, judge);
    }

    /// Writes what follows of any option, from `bookable` on.
    fn write_judged(&self, out: &mut Vec<u8>, place: usize, judged: &Judged, spaces: &Capacities, judge: &Judge) {
        write_reasons(out, &judged.reasons);
        let way = &self.ways[place];
        if judged.reasons.contains(&Reason::TooLarge) {
            let legs = way.legs.iter().map(|leg| &self.flights[*leg].leg);
            write_too_large(out, judge.too_large_text(legs.map(|leg| (leg.number, leg.aircraft))).as_deref());
        }
        let first = way.legs.first().map(|leg| spaces[*leg].cutoff);
        write_latest_acceptance(out, first.and_then(|cut_off| judge.latest_acceptance(way.departure, cut_off)));
        write_emissions(out, self.emissions(place, judge).as_ref());
        if let Some(pricer) = judge.pricer() {
            write_price(out, self.price(place, pricer));
        }
        out.push(b'}');
    }
}

/// Writes the routes with commas between them.
pub(super) fn write(out: &mut Vec<u8>, ways: &[JudgedWay], mut each: impl FnMut(&mut Vec<u8>, usize, &Judged)) {
    for (number, (place, judged)) in ways.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        each(out, *place, judged);
    }
}
