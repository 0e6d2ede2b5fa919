use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    decimal::whole_number,
    fault::{Fault, FaultCode},
    quantity::Weight,
};

/// A length of freight or of an opening, in whole centimetres: 1 to 3000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(transparent)]
#[sqlx(transparent)]
#[schema(value_type = i32, minimum = 1, maximum = 3000, example = 120)]
pub struct Centimetres(i32);

impl Centimetres {
    const MOST: i32 = 3000;

    /// Parses the text of a JSON number.
    pub fn from_count(text: &str) -> Result<Self, Fault> {
        match whole_number(text)? {
            count if count < 1 => Err(Fault::new(FaultCode::TooSmall, "must be at least 1 cm")),
            count => i32::try_from(count)
                .ok()
                .filter(|count| *count <= Self::MOST)
                .map(Self)
                .ok_or_else(|| Fault::new(FaultCode::TooLarge, "must be at most 3000 cm")),
        }
    }

    pub const fn count(self) -> i32 {
        self.0
    }
}

crate::words! {
    /// The hold that an opening leads into.
    pub enum Deck {
        Lower = "LOWER",
        Main = "MAIN",
        Bulk = "BULK",
    }
}

crate::words! {
    /// What keeps a piece from an opening.
    pub enum Misfit {
        /// However it is turned, it is too high.
        Height = "height",
        /// However it is turned, it is too wide.
        Width = "width",
        /// However it is turned, it is too long.
        Length = "length",
        /// However it is turned, one of the three is too large, though not always the same.
        Size = "size",
        Weight = "weight",
    }
}

/// A door of an aircraft, and the longest and heaviest piece that it takes. `None` is not published: nothing is judged by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    pub deck: Deck,
    pub door_width_cm: Centimetres,
    pub door_height_cm: Centimetres,
    pub max_length_cm: Option<Centimetres>,
    #[serde(rename = "max_piece_hg", with = "hectograms")]
    pub max_piece: Option<Weight>,
}

/// A weight as it is kept: whole hectograms.
mod hectograms {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Weight;

    #[allow(clippy::ref_option, reason = "the signature that serde's with asks for")]
    pub fn serialize<S: Serializer>(weight: &Option<Weight>, serializer: S) -> Result<S::Ok, S::Error> {
        weight.map(Weight::hectograms).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Weight>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Weight::from_hectograms))
    }
}

/// One piece of freight, as far as openings are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub length_cm: Centimetres,
    pub width_cm: Centimetres,
    pub height_cm: Centimetres,
    /// `None`: not given, and not judged.
    pub weight: Option<Weight>,
    /// It may lie on any side. If not, it is turned about the upright axis alone.
    pub is_tiltable: bool,
}

impl Piece {
    /// Returns the ways in which it may stand: its height, and the two other lengths.
    fn stands(&self) -> impl Iterator<Item = (i32, [i32; 2])> {
        let (length, width, height) = (self.length_cm.0, self.width_cm.0, self.height_cm.0);
        let all = [(height, [length, width]), (length, [width, height]), (width, [length, height])];
        all.into_iter().take(if self.is_tiltable { 3 } else { 1 })
    }
}

impl Opening {
    /// Returns what keeps the piece out; `None`: it fits.
    pub fn misfit(&self, piece: &Piece) -> Option<Misfit> {
        if piece.weight.zip(self.max_piece).is_some_and(|(weight, most)| weight > most) {
            return Some(Misfit::Weight);
        }
        let (width, height) = (self.door_width_cm.0, self.door_height_cm.0);
        let length = self.max_length_cm.map_or(i32::MAX, Centimetres::count);
        let (narrow, wide) = (width.min(length), width.max(length));
        // Of two lengths, one crosses the door and the other follows: the smaller one takes the smaller limit.
        let fits = |[a, b]: [i32; 2]| a.min(b) <= narrow && a.max(b) <= wide;
        if piece.stands().any(|(upright, flat)| upright <= height && fits(flat)) {
            return None;
        }
        let is_none_within =
            |most: i32, of: fn((i32, [i32; 2])) -> i32| piece.stands().map(of).all(|least| least > most);
        let least: fn((i32, [i32; 2])) -> i32 = |(_, [a, b])| a.min(b);
        Some(if is_none_within(height, |(upright, _)| upright) {
            Misfit::Height
        } else if is_none_within(width, least) {
            Misfit::Width
        } else if is_none_within(length, least) || is_none_within(wide, |(_, [a, b])| a.max(b)) {
            Misfit::Length
        } else {
            Misfit::Size
        })
    }

    pub fn takes(&self, piece: &Piece) -> bool {
        self.misfit(piece).is_none()
    }

    /// Returns whether one of an aircraft's openings takes the piece; `None` without openings: it is not known.
    pub fn one_takes(openings: &[Self], piece: &Piece) -> Option<bool> {
        (!openings.is_empty()).then(|| openings.iter().any(|opening| opening.takes(piece)))
    }

    /// Returns the opening with the largest door, of equal ones the first.
    pub fn largest(openings: &[Self]) -> Option<&Self> {
        let area = |opening: &Self| opening.door_width_cm.0 * opening.door_height_cm.0;
        openings.iter().rev().max_by_key(|opening| area(opening))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn piece([length, width, height]: [i32; 3], is_tiltable: bool) -> Piece {
        Piece {
            length_cm: Centimetres(length),
            width_cm: Centimetres(width),
            height_cm: Centimetres(height),
            weight: None,
            is_tiltable,
        }
    }

    fn opening(width: i32, height: i32, length: Option<i32>) -> Opening {
        Opening {
            deck: Deck::Lower,
            door_width_cm: Centimetres(width),
            door_height_cm: Centimetres(height),
            max_length_cm: length.map(Centimetres),
            max_piece: None,
        }
    }

    /// Tries each turning by itself: which length crosses the door, which stands upright, which follows.
    fn fits_by_trial(opening: &Opening, piece: &Piece) -> bool {
        let sides = [piece.length_cm, piece.width_cm, piece.height_cm];
        let turnings = [[0, 1, 2], [1, 0, 2], [0, 2, 1], [2, 0, 1], [1, 2, 0], [2, 1, 0]];
        let is_light = match (piece.weight, opening.max_piece) {
            (Some(weight), Some(most)) => weight <= most,
            _ => true,
        };
        is_light
            && turnings.iter().filter(|turning| piece.is_tiltable || turning[2] == 2).any(|turning| {
                let [across, along, upright] = turning.map(|side: usize| sides[side]);
                across <= opening.door_width_cm
                    && upright <= opening.door_height_cm
                    && opening.max_length_cm.is_none_or(|most| along <= most)
            })
    }

    #[test]
    fn a_length_is_whole_and_within_its_range() {
        assert_eq!(Centimetres::from_count("3000").map(Centimetres::count), Ok(3000));
        for (text, code) in [
            ("0", FaultCode::TooSmall),
            ("-1", FaultCode::TooSmall),
            ("3001", FaultCode::TooLarge),
            ("99999999999", FaultCode::TooLarge),
            ("120.5", FaultCode::TooPrecise),
            ("long", FaultCode::WrongType),
        ] {
            assert_eq!(Centimetres::from_count(text).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn a_piece_that_may_be_tilted_fits_where_it_does_not_upright() {
        let door = opening(180, 120, Some(300));
        assert_eq!(door.misfit(&piece([90, 90, 150], false)), Some(Misfit::Height));
        assert_eq!(door.misfit(&piece([90, 90, 150], true)), None);
    }

    #[test]
    fn a_misfit_names_what_no_turning_meets() {
        let door = opening(180, 120, Some(300));
        assert_eq!(door.misfit(&piece([200, 190, 100], false)), Some(Misfit::Width));
        assert_eq!(door.misfit(&piece([310, 100, 100], false)), Some(Misfit::Length));
        assert_eq!(door.misfit(&piece([310, 310, 310], true)), Some(Misfit::Height));
        assert_eq!(door.misfit(&piece([170, 170, 170], true)), Some(Misfit::Height));
        assert_eq!(opening(100, 200, Some(100)).misfit(&piece([90, 110, 150], true)), Some(Misfit::Length));
        let heavy = Piece { weight: Some(Weight::from_hectograms(10_001)), ..piece([10, 10, 10], true) };
        let bearing = Opening { max_piece: Some(Weight::from_hectograms(10_000)), ..door };
        assert_eq!(bearing.misfit(&heavy), Some(Misfit::Weight));
        assert!(door.takes(&heavy), "no weight is published");
        assert!(opening(180, 120, None).takes(&piece([3000, 180, 120], false)), "no length is published");
    }

    #[test]
    fn nothing_is_judged_without_openings() {
        let (small, large) = (opening(100, 100, None), opening(340, 250, None));
        let tall = piece([100, 100, 150], false);
        assert_eq!(Opening::one_takes(&[], &tall), None);
        assert_eq!(Opening::one_takes(&[small], &tall), Some(false));
        assert_eq!(Opening::one_takes(&[small, large], &tall), Some(true));
        assert_eq!(Opening::largest(&[small, large, small]), Some(&large));
        assert_eq!(Opening::largest(&[]), None);
    }

    #[test]
    fn an_opening_is_kept_as_whole_numbers() {
        let kept = Opening { max_piece: Some(Weight::from_hectograms(15_005)), ..opening(180, 120, None) };
        let text = serde_json::to_string(&kept).unwrap();
        assert_eq!(
            text,
            r#"{"deck":"LOWER","door_width_cm":180,"door_height_cm":120,"max_length_cm":null,"max_piece_hg":15005}"#
        );
        assert_eq!(serde_json::from_str::<Opening>(&text).unwrap(), kept);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        // Of short lengths, so that many are equal and just fit.
        #[test]
        fn the_fit_of_a_piece_agrees_with_each_turning_tried(
            sides in [1i32..25, 1i32..25, 1i32..25],
            (width, height, length) in (1i32..25, 1i32..25, proptest::option::of(1i32..25)),
            (weight, most) in (proptest::option::of(1i64..9), proptest::option::of(1i64..9)),
            is_tiltable in any::<bool>(),
        ) {
            let piece = Piece { weight: weight.map(Weight::from_hectograms), ..piece(sides, is_tiltable) };
            let opening = Opening { max_piece: most.map(Weight::from_hectograms), ..opening(width, height, length) };
            prop_assert_eq!(opening.takes(&piece), fits_by_trial(&opening, &piece));
        }
    }
}
