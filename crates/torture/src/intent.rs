//! What a client intends to do, drawn from the seed alone. Which booking an intent concerns, and its outcome, depends
//! on earlier answers of the servers; the intents do not.
use super::random::Random;

/// The share of each action, in percent.
const MIX: [(Action, u64); 18] = [
    (Action::Book, 21),
    (Action::Move, 15),
    (Action::Cancel, 8),
    (Action::Amend, 5),
    (Action::Reroute, 5),
    (Action::Operate, 5),
    (Action::Import, 1),
    (Action::Hold, 9),
    (Action::StepHold, 10),
    (Action::Wait, 3),
    (Action::Attend, 4),
    (Action::Quote, 2),
    (Action::Repeat, 4),
    (Action::Misuse, 2),
    (Action::Read, 2),
    (Action::History, 1),
    (Action::Availability, 2),
    (Action::Trespass, 1),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Book,
    /// Depart, arrive or deliver, whichever is next.
    Move,
    Cancel,
    /// Another weight and description.
    Amend,
    /// Other flights.
    Reroute,
    /// Depart, arrive, cancel, retime, resize, close or offload a whole flight.
    Operate,
    /// A timetable with new flights and with flights that are being sold; or only its dry run.
    Import,
    /// Hold space, as a customer, a guest or the carrier.
    Hold,
    /// Amend, extend, release or commit a hold, or leave it to expire.
    StepHold,
    /// Join the waitlist.
    Wait,
    /// Look after an entry of the waitlist: take its offer or decline it, move or cancel it.
    Attend,
    /// Two orders at the same moment with one quote, new or used before.
    Quote,
    /// The same request again with its key, long after it was answered.
    Repeat,
    /// Another request with the key of an answered one.
    Misuse,
    Read,
    History,
    Availability,
    /// Access to a booking of another organization.
    Trespass,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    Once,
    /// Twice at the same moment, to two servers where there are two.
    Twice,
    /// The client drops the connection after that number of microseconds.
    HangUp(u64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is drawn independently")]
pub(super) struct Intent {
    pub action: Action,
    pub sending: Sending,
    pub keyed: bool,
    /// With `If-Match` of the version that the client saw last.
    pub matched: bool,
    /// A booking of this client, not of any client of the organization.
    pub own: bool,
    /// A step that is not the next one.
    pub wrong: bool,
    pub instance: u64,
    /// Selects the booking or the operation.
    pub pick: u64,
    /// Selects the flights of the first and of the second sector.
    pub flights: [u64; 2],
    /// Selects the sectors: the first, the second or both.
    pub route: u64,
    pub weight_kg: u64,
    pub positions: u64,
    /// First repeat an operation of unknown outcome, if there is one.
    pub resolve: bool,
    /// The pause before the next intent.
    pub pause_ms: u64,
}

/// The endless sequence of one client's intents.
pub(super) struct Intents(Random);

impl Intents {
    pub fn of(seed: u64, client: u64) -> Self {
        Self(Random::of(seed, client))
    }
}

impl Iterator for Intents {
    type Item = Intent;

    /// Draws the same number of values for every intent.
    fn next(&mut self) -> Option<Intent> {
        let random = &mut self.0;
        let (drawn, moment) = (random.below(100), random.below(25_000));
        let sending = match random.below(100) {
            0..10 => Sending::HangUp(moment),
            10..18 => Sending::Twice,
            _ => Sending::Once,
        };
        Some(Intent {
            action: action(drawn),
            sending,
            keyed: random.percent(90),
            matched: random.percent(15),
            own: random.percent(75),
            wrong: random.percent(8),
            instance: random.any(),
            pick: random.any(),
            flights: [random.any(), random.any()],
            route: random.below(3),
            weight_kg: 20 + 10 * random.below(19),
            positions: random.below(2),
            resolve: random.percent(60),
            pause_ms: random.below(40),
        })
    }
}

fn action(drawn: u64) -> Action {
    let mut rest = drawn;
    for (action, share) in MIX {
        match rest.checked_sub(share) {
            Some(less) => rest = less,
            None => return action,
        }
    }
    Action::Read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_is_complete() {
        assert_eq!(MIX.iter().map(|(_, share)| share).sum::<u64>(), 100);
    }

    #[test]
    fn one_seed_is_one_stream_for_each_client() {
        let stream = |seed, client| Intents::of(seed, client).take(500).collect::<Vec<_>>();
        assert_eq!(stream(7, 3), stream(7, 3));
        assert_ne!(stream(7, 3), stream(7, 4));
        assert_ne!(stream(7, 3), stream(8, 3));
    }
}
