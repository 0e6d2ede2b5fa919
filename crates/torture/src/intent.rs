//! What a client means to do, drawn from the seed alone. Which booking an intention meets, and what becomes of it, depends
//! on what the servers answered before; the intentions do not.
use super::dice::Dice;

/// With how many parts of a hundred each is drawn.
const MIX: [(What, u64); 13] = [
    (What::Book, 34),
    (What::Move, 20),
    (What::Cancel, 10),
    (What::Amend, 7),
    (What::Reroute, 6),
    (What::Operate, 5),
    (What::Import, 1),
    (What::Repeat, 5),
    (What::Misuse, 2),
    (What::Read, 4),
    (What::History, 1),
    (What::Availability, 3),
    (What::Trespass, 2),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Book one or two flights.
    Book,
    /// Depart, arrive or deliver, whichever is next.
    Move,
    Cancel,
    /// More or less weight, another description.
    Amend,
    /// Other flights.
    Reroute,
    /// Depart, arrive, cancel, retime, resize or offload a whole flight.
    Operate,
    /// A table of flights, some new and some that are fought over; or only its dry run.
    Import,
    /// The same request again, with its key, long after it was answered.
    Repeat,
    /// Another request with the key of one that was answered.
    Misuse,
    Read,
    History,
    Availability,
    /// Somebody else's booking.
    Trespass,
}

/// How a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Once,
    /// Twice at the same moment, to two servers where there are two.
    Twin,
    /// The connection is dropped after so many microseconds.
    HangUp(u64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a throw of the dice of its own")]
pub(super) struct Intent {
    pub what: What,
    pub manner: Manner,
    /// With an `Idempotency-Key`.
    pub keyed: bool,
    /// With `If-Match`, of the version the client has seen last.
    pub matched: bool,
    /// A booking of its own, not just anybody's of the same organization.
    pub own: bool,
    /// A step that is not the next one.
    pub wrong: bool,
    pub instance: u64,
    /// Which booking or call.
    pub pick: u64,
    /// Which flights: of the first and of the second sector.
    pub flights: [u64; 2],
    /// Which sectors: the first, the second or both.
    pub route: u64,
    pub weight_kg: u64,
    pub positions: u64,
    /// First look after a call whose outcome is unknown, if there is one.
    pub settle: bool,
    /// Before the next one.
    pub think_ms: u64,
}

/// One client's intentions, without end.
pub(super) struct Intents(Dice);

impl Intents {
    pub fn of(seed: u64, client: u64) -> Self {
        Self(Dice::of(seed, client))
    }
}

impl Iterator for Intents {
    type Item = Intent;

    /// Always draws the same number of times.
    fn next(&mut self) -> Option<Intent> {
        let dice = &mut self.0;
        let (drawn, moment) = (dice.below(100), dice.below(25_000));
        let manner = match dice.below(100) {
            0..10 => Manner::HangUp(moment),
            10..18 => Manner::Twin,
            _ => Manner::Once,
        };
        Some(Intent {
            what: what(drawn),
            manner,
            keyed: dice.percent(90),
            matched: dice.percent(15),
            own: dice.percent(75),
            wrong: dice.percent(8),
            instance: dice.any(),
            pick: dice.any(),
            flights: [dice.any(), dice.any()],
            route: dice.below(3),
            weight_kg: 20 + 10 * dice.below(19),
            positions: dice.below(2),
            settle: dice.percent(60),
            think_ms: dice.below(40),
        })
    }
}

fn what(drawn: u64) -> What {
    let mut rest = drawn;
    for (what, share) in MIX {
        match rest.checked_sub(share) {
            Some(less) => rest = less,
            None => return what,
        }
    }
    What::Read
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
