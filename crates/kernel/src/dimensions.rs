use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    fault::{Fault, FaultCode},
    fit::{Centimetres, Opening, Piece},
    quantity::{Pieces, Volume, Weight},
};

/// Pieces of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"pieces": 4, "length_cm": 120, "width_cm": 80, "height_cm": 100, "weight_kg": 50, "is_tiltable": false, "is_stackable": true}))]
pub struct DimensionLine {
    /// How many pieces have this size.
    pub pieces: Pieces,
    pub length_cm: Centimetres,
    pub width_cm: Centimetres,
    pub height_cm: Centimetres,
    /// Of one piece; null: not given.
    #[serde(rename = "weight_kg")]
    #[schema(required = true)]
    pub weight: Option<Weight>,
    /// Whether a piece may lie on any side.
    pub is_tiltable: bool,
    /// Whether other freight may stand on a piece.
    pub is_stackable: bool,
}

impl DimensionLine {
    /// Returns one of its pieces.
    pub const fn piece(&self) -> Piece {
        let Self { length_cm, width_cm, height_cm, weight, is_tiltable, .. } = *self;
        Piece { length_cm, width_cm, height_cm, weight, is_tiltable }
    }

    fn count(&self) -> i64 {
        self.pieces.count().into()
    }
}

/// The dimensions of freight: lines whose pieces sum to those of the freight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Vec<DimensionLine>, min_items = 1, max_items = 50)]
pub struct Dimensions(Vec<DimensionLine>);

impl Dimensions {
    pub const MOST_LINES: usize = 50;
    /// The largest quantities that a client may send.
    const MOST_LITRES: i64 = 9_999_999_999;
    const MOST_HECTOGRAMS: i64 = 99_999_999;

    /// Returns the dimensions of these lines, unless there is none, or their sums are larger than what may be sent.
    pub fn of(lines: Vec<DimensionLine>) -> Result<Self, Fault> {
        if lines.is_empty() {
            return Err(Fault::new(FaultCode::TooShort, "must have at least 1 entry"));
        }
        let too_large = |what: &str| Fault::new(FaultCode::TooLarge, format!("have too large a {what} together"));
        let pieces: i64 = lines.iter().map(DimensionLine::count).sum();
        Pieces::from_count(&pieces.to_string()).map_err(|_| too_large("number of pieces"))?;
        let dimensions = Self(lines);
        if dimensions.volume().litres() > Self::MOST_LITRES {
            return Err(too_large("volume"));
        }
        if dimensions.weight().is_some_and(|weight| weight.hectograms() > Self::MOST_HECTOGRAMS) {
            return Err(too_large("weight"));
        }
        Ok(dimensions)
    }

    /// Returns all of these lines together, whatever their sums; `None` without any.
    pub fn joined<'a>(parts: impl Iterator<Item = &'a Self>) -> Option<Self> {
        let lines: Vec<DimensionLine> = parts.flat_map(|part| part.0.iter().copied()).collect();
        (!lines.is_empty()).then_some(Self(lines))
    }

    pub fn lines(&self) -> &[DimensionLine] {
        &self.0
    }

    /// Returns the number of all pieces.
    pub fn pieces(&self) -> Pieces {
        Pieces::sum(self.0.iter().map(|line| line.pieces))
    }

    /// Returns the volume of all pieces, rounded up to the litre.
    pub fn volume(&self) -> Volume {
        // Below 2^63: 50 lines of 99 999 pieces of 27 000 m³.
        let cubic_centimetres = self.0.iter().map(|line| {
            let sides = [line.length_cm, line.width_cm, line.height_cm];
            line.count() * sides.iter().map(|side| i64::from(side.count())).product::<i64>()
        });
        Volume::from_litres((cubic_centimetres.sum::<i64>() + 999) / 1000)
    }

    /// Returns the weight of all pieces, if each line has one.
    pub fn weight(&self) -> Option<Weight> {
        let hectograms = self.0.iter().map(|line| Some(line.count() * line.weight?.hectograms()));
        hectograms.sum::<Option<i64>>().map(Weight::from_hectograms)
    }

    /// Returns the fault of dimensions of another number of pieces.
    pub fn fault_of_pieces(&self, pieces: Pieces) -> Option<Fault> {
        let own = self.pieces().count();
        let text = || format!("must describe {} pieces, not {own}", pieces.count());
        (own != pieces.count()).then(|| Fault::new(FaultCode::Inconsistent, text()))
    }

    /// Returns the fault of dimensions whose weight differs from this by more than 1 %, or of which the lines with a weight are
    /// by themselves heavier than this by more than that.
    pub fn fault_of_weight(&self, weight: Weight) -> Option<Fault> {
        let given = self.0.iter().filter_map(|line| Some(line.count() * line.weight?.hectograms())).sum::<i64>();
        let excess = given - weight.hectograms();
        let own = Weight::from_hectograms(given);
        let text = match self.weight() {
            Some(_) if excess.abs() * 100 > weight.hectograms() => {
                format!("must weigh {weight} together, within 1 %, not {own}")
            }
            None if excess * 100 > weight.hectograms() => {
                format!("must weigh at most {weight} together, within 1 %, not {own}")
            }
            _ => return None,
        };
        Some(Fault::new(FaultCode::Inconsistent, text))
    }

    /// Returns the fault of a volume that is less than that of the pieces. More is packing.
    pub fn fault_of_volume(&self, volume: Volume) -> Option<Fault> {
        let own = self.volume();
        let text = || format!("must be at least the volume of the dimensions, {own}");
        (volume < own).then(|| Fault::new(FaultCode::Inconsistent, text()))
    }

    /// Returns the number, from 0, of the first line of which a piece fits none of these openings. Without openings none is
    /// judged.
    pub fn first_too_large(&self, openings: &[Opening]) -> Option<usize> {
        self.0.iter().position(|line| Opening::one_takes(openings, &line.piece()) == Some(false))
    }
}

/// Dimensions as they are kept in columns and in the data of events: in whole numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<KeptLine>", into = "Vec<KeptLine>")]
pub struct KeptDimensions(Dimensions);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptLine {
    pieces: i32,
    length_cm: Centimetres,
    width_cm: Centimetres,
    height_cm: Centimetres,
    weight_hg: Option<i64>,
    is_tiltable: bool,
    is_stackable: bool,
}

impl From<&Dimensions> for KeptDimensions {
    fn from(dimensions: &Dimensions) -> Self {
        Self(dimensions.clone())
    }
}

impl From<KeptDimensions> for Dimensions {
    fn from(kept: KeptDimensions) -> Self {
        kept.0
    }
}

impl From<KeptDimensions> for Vec<KeptLine> {
    fn from(kept: KeptDimensions) -> Self {
        let line = |line: &DimensionLine| KeptLine {
            pieces: line.pieces.count(),
            length_cm: line.length_cm,
            width_cm: line.width_cm,
            height_cm: line.height_cm,
            weight_hg: line.weight.map(Weight::hectograms),
            is_tiltable: line.is_tiltable,
            is_stackable: line.is_stackable,
        };
        kept.0.lines().iter().map(line).collect()
    }
}

impl TryFrom<Vec<KeptLine>> for KeptDimensions {
    type Error = Fault;

    fn try_from(lines: Vec<KeptLine>) -> Result<Self, Fault> {
        let line = |line: KeptLine| -> Result<DimensionLine, Fault> {
            Ok(DimensionLine {
                pieces: Pieces::from_count(&line.pieces.to_string())?,
                length_cm: line.length_cm,
                width_cm: line.width_cm,
                height_cm: line.height_cm,
                weight: line.weight_hg.map(Weight::from_hectograms),
                is_tiltable: line.is_tiltable,
                is_stackable: line.is_stackable,
            })
        };
        Ok(Self(Dimensions::of(lines.into_iter().map(line).collect::<Result<_, Fault>>()?)?))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fit::Deck, *};

    fn line(pieces: i32, sides: [i32; 3], weight: Option<&str>) -> DimensionLine {
        let [length_cm, width_cm, height_cm] = sides.map(|side| Centimetres::from_count(&side.to_string()).unwrap());
        DimensionLine {
            pieces: Pieces::from_count(&pieces.to_string()).unwrap(),
            length_cm,
            width_cm,
            height_cm,
            weight: weight.map(|text| Weight::from_kilograms(text).unwrap()),
            is_tiltable: false,
            is_stackable: true,
        }
    }

    fn dimensions(lines: &[DimensionLine]) -> Dimensions {
        Dimensions::of(lines.to_vec()).unwrap()
    }

    #[test]
    fn four_pallets_are_3_84_cubic_metres_and_640_chargeable_kilograms() {
        let pallets = dimensions(&[line(4, [120, 80, 100], None)]);
        assert_eq!(pallets.pieces().count(), 4);
        assert_eq!(pallets.volume(), Volume::from_litres(3840));
        assert_eq!(pallets.weight(), None);
        let weight = Weight::from_hectograms(2000);
        assert_eq!(weight.chargeable(pallets.volume()), Weight::from_hectograms(6400));
    }

    #[test]
    fn a_volume_is_rounded_up_once() {
        // 1.1 and 0.9 litres: 2, not 3.
        assert_eq!(
            dimensions(&[line(1, [10, 10, 11], None), line(1, [10, 10, 9], None)]).volume(),
            Volume::from_litres(2)
        );
        assert_eq!(dimensions(&[line(1, [1, 1, 1], None)]).volume(), Volume::from_litres(1));
    }

    #[test]
    fn a_weight_is_summed_if_every_line_has_one() {
        let both = dimensions(&[line(3, [10, 10, 10], Some("0.5")), line(1, [10, 10, 10], Some("2"))]);
        assert_eq!(both.weight(), Some(Weight::from_hectograms(35)));
        assert_eq!(dimensions(&[line(3, [10, 10, 10], Some("0.5")), line(1, [9, 9, 9], None)]).weight(), None);
    }

    #[test]
    fn dimensions_contradict_other_pieces_weights_and_smaller_volumes() {
        let hundred = dimensions(&[line(4, [100, 100, 100], Some("25"))]);
        let code = |fault: Option<Fault>| fault.map(|fault| fault.code);
        let pieces = |count: &str| code(hundred.fault_of_pieces(Pieces::from_count(count).unwrap()));
        assert_eq!([pieces("4"), pieces("3"), pieces("5")], [None, Some(FaultCode::Inconsistent), pieces("3")]);
        let weight = |text: &str| code(hundred.fault_of_weight(Weight::from_kilograms(text).unwrap()));
        assert_eq!([weight("100"), weight("99.1"), weight("101")], [None; 3]);
        assert_eq!([weight("99"), weight("101.1")], [Some(FaultCode::Inconsistent); 2]);
        // Of a line without a weight nothing is added, but the others are not heavier than all.
        let partly = dimensions(&[line(4, [10, 10, 10], Some("25")), line(1, [10, 10, 10], None)]);
        let weight = |text: &str| code(partly.fault_of_weight(Weight::from_kilograms(text).unwrap()));
        assert_eq!([weight("500"), weight("100"), weight("99.1")], [None; 3]);
        assert_eq!([weight("99"), weight("24.9")], [Some(FaultCode::Inconsistent); 2]);
        let volume = |litres| code(hundred.fault_of_volume(Volume::from_litres(litres)));
        assert_eq!([volume(4000), volume(9000)], [None; 2]);
        assert_eq!(volume(3999), Some(FaultCode::Inconsistent));
    }

    #[test]
    fn lines_are_some_and_their_sums_bounded() {
        let code = |lines: &[DimensionLine]| Dimensions::of(lines.to_vec()).unwrap_err().code;
        assert_eq!(code(&[]), FaultCode::TooShort);
        assert_eq!(code(&[line(60_000, [1, 1, 1], None); 2]), FaultCode::TooLarge);
        assert_eq!(code(&[line(99_999, [3000, 3000, 3000], None)]), FaultCode::TooLarge);
        assert_eq!(code(&[line(99_999, [1, 1, 1], Some("9999999.9"))]), FaultCode::TooLarge);
    }

    #[test]
    fn dimensions_come_back_as_they_were_kept() {
        let lines = dimensions(&[line(4, [120, 80, 100], Some("50.5")), line(1, [10, 10, 10], None)]);
        let kept = KeptDimensions::from(&lines);
        let text = serde_json::to_string(&kept).unwrap();
        assert!(text.contains(r#""weight_hg":505"#) && text.contains(r#""weight_hg":null"#), "{text}");
        let back: KeptDimensions = serde_json::from_str(&text).unwrap();
        assert_eq!(Dimensions::from(back), lines);
        assert!(serde_json::from_str::<KeptDimensions>("[]").is_err(), "no lines");
        let shown = serde_json::to_string(&lines).unwrap();
        assert!(
            shown.starts_with(r#"[{"pieces":4,"length_cm":120,"#) && shown.contains(r#""weight_kg":50.5"#),
            "{shown}"
        );
    }

    #[test]
    fn the_first_line_that_no_opening_takes_is_named() {
        let door = Opening {
            deck: Deck::Lower,
            door_width_cm: Centimetres::from_count("180").unwrap(),
            door_height_cm: Centimetres::from_count("120").unwrap(),
            max_length_cm: None,
            max_piece: None,
        };
        let freight = dimensions(&[line(1, [100, 100, 100], None), line(1, [120, 80, 150], None)]);
        assert_eq!(freight.first_too_large(&[door]), Some(1));
        assert_eq!(freight.first_too_large(&[]), None);
    }
}
