//! The openings of aircraft types, as requests, tables and answers have them.
use loadmaster_kernel::{Centimetres, Deck, Fault, FaultCode, Misfit, Opening, Piece, Weight};
use loadmaster_platform::web::{Fields, Raw, objects, read, request};
use serde::Serialize;
use utoipa::ToSchema;

/// The member and the column with the openings of an aircraft type.
pub(super) const OPENINGS: &str = "openings";
const MOST_OPENINGS: usize = 10;

request! {
    /// A door of an aircraft, and the largest piece that it takes.
    #[schema(example = json!({"deck": "LOWER", "door_width_cm": 270, "door_height_cm": 170, "max_length_cm": 318, "max_piece_kg": 4600}))]
    pub(super) struct NewOpening in body {
        deck: Deck = read::word(Deck::WORDS),
        /// Clear width of the door.
        door_width_cm: Centimetres = read::centimetres,
        /// Clear height of the door.
        door_height_cm: Centimetres = read::centimetres,
        /// Longest piece that passes; null: not published, not judged.
        max_length_cm: Option<Centimetres> = read::centimetres,
        /// Heaviest piece that may be loaded here; null: not published, not judged.
        max_piece_kg: Option<Weight> = read::weight,
    }
}

impl From<NewOpening> for Opening {
    fn from(new: NewOpening) -> Self {
        Self {
            deck: new.deck,
            door_width_cm: new.door_width_cm,
            door_height_cm: new.door_height_cm,
            max_length_cm: new.max_length_cm,
            max_piece: new.max_piece_kg,
        }
    }
}

/// A door of an aircraft, and the largest piece that it takes.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Opening, example = json!({"deck": "LOWER", "door_width_cm": 270, "door_height_cm": 170, "max_length_cm": 318, "max_piece_kg": 4600}))]
pub(super) struct OpeningBody {
    pub deck: Deck,
    /// Clear width of the door.
    pub door_width_cm: Centimetres,
    /// Clear height of the door.
    pub door_height_cm: Centimetres,
    /// Longest piece that passes. Null: not published, not judged.
    #[schema(required)]
    pub max_length_cm: Option<Centimetres>,
    /// Heaviest piece that may be loaded here. Null: not published, not judged.
    #[schema(required)]
    pub max_piece_kg: Option<Weight>,
}

impl From<&Opening> for OpeningBody {
    fn from(opening: &Opening) -> Self {
        Self {
            deck: opening.deck,
            door_width_cm: opening.door_width_cm,
            door_height_cm: opening.door_height_cm,
            max_length_cm: opening.max_length_cm,
            max_piece_kg: opening.max_piece,
        }
    }
}

request! {
    /// One piece of freight.
    pub(super) struct FitParams in query {
        /// Length of the piece.
        #[param(example = 120)]
        length_cm: Centimetres = read::centimetres,
        /// Width of the piece.
        #[param(example = 80)]
        width_cm: Centimetres = read::centimetres,
        /// Height of the piece.
        #[param(example = 150)]
        height_cm: Centimetres = read::centimetres,
        /// Of the piece. Left out: it is not judged.
        weight_kg: Option<Weight> = read::weight,
        /// Whether it may lie on any side. If not, it is only turned about the upright axis.
        #[param(default = false)]
        is_tiltable: Option<bool> = read::boolean,
    }
}

impl FitParams {
    pub fn piece(&self) -> Piece {
        Piece {
            length_cm: self.length_cm,
            width_cm: self.width_cm,
            height_cm: self.height_cm,
            weight: self.weight_kg,
            is_tiltable: self.is_tiltable.unwrap_or_default(),
        }
    }
}

/// Whether a piece fits an aircraft type.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fit)]
pub(super) struct FitBody {
    /// Whether one of the openings takes the piece. Null: no openings of the type are known.
    #[schema(required)]
    pub fits: Option<bool>,
    /// The openings of the type, each judged by itself.
    pub openings: Vec<JudgedOpeningBody>,
}

/// An opening, and whether it takes a piece.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JudgedOpening)]
pub(super) struct JudgedOpeningBody {
    #[serde(flatten)]
    pub opening: OpeningBody,
    /// Whether it takes the piece.
    pub fits: bool,
    /// What keeps the piece out; null: it fits.
    #[schema(required)]
    pub because: Option<Misfit>,
}

impl FitBody {
    pub fn new(openings: &[Opening], piece: &Piece) -> Self {
        let judged = openings.iter().map(|opening| {
            let because = opening.misfit(piece);
            JudgedOpeningBody { opening: opening.into(), fits: because.is_none(), because }
        });
        Self { fits: Opening::one_takes(openings, piece), openings: judged.collect() }
    }
}

/// Reads the openings of an aircraft type: a list of objects, or a cell with a text.
pub(super) fn openings(fields: &mut Fields<'_>) -> Option<Vec<NewOpening>> {
    if fields.optional(OPENINGS, |raw: Raw<'_>| -> Result<bool, Fault> { Ok(matches!(raw, Raw::Text(_))) })? {
        return fields.optional(OPENINGS, openings_of_cell);
    }
    fields.optional(OPENINGS, objects(MOST_OPENINGS, NewOpening::read))
}

fn openings_of_cell(raw: Raw<'_>) -> Result<Vec<NewOpening>, Fault> {
    openings_of_text(&read::any(raw)?)
}

/// Parses openings as tables have them: `LOWER:270x170x318@4600 BULK:91x114`. What follows the second `x` is the longest piece in
/// centimetres, and what follows `@` the heaviest in kilograms.
pub(super) fn openings_of_text(text: &str) -> Result<Vec<NewOpening>, Fault> {
    let openings: Vec<NewOpening> = text.split_whitespace().map(opening_of_text).collect::<Result<_, _>>()?;
    if openings.len() > MOST_OPENINGS {
        return Err(Fault::new(FaultCode::TooLong, format!("must have at most {MOST_OPENINGS} entries")));
    }
    Ok(openings)
}

fn opening_of_text(text: &str) -> Result<NewOpening, Fault> {
    let wrong = || Fault::format("must have openings such as LOWER:270x170x318@4600");
    let (deck, rest) = text.split_once(':').ok_or_else(wrong)?;
    let (lengths, weight) = rest.split_once('@').map_or((rest, None), |(lengths, weight)| (lengths, Some(weight)));
    let mut lengths = lengths.split('x');
    let (width, height) = (lengths.next().ok_or_else(wrong)?, lengths.next().ok_or_else(wrong)?);
    let length = lengths.next();
    if lengths.next().is_some() {
        return Err(wrong());
    }
    Ok(NewOpening {
        deck: read::word(Deck::WORDS)(Raw::Text(deck))?,
        door_width_cm: Centimetres::from_count(width)?,
        door_height_cm: Centimetres::from_count(height)?,
        max_length_cm: length.map(Centimetres::from_count).transpose()?,
        max_piece_kg: weight.map(Weight::from_kilograms).transpose()?,
    })
}

/// Returns openings as tables have them.
pub(super) fn text_of_openings(openings: &[Opening]) -> String {
    openings.iter().map(text_of_opening).collect::<Vec<_>>().join(" ")
}

fn text_of_opening(opening: &Opening) -> String {
    let (width, height) = (opening.door_width_cm.count(), opening.door_height_cm.count());
    let length = opening.max_length_cm.map_or_else(String::new, |length| format!("x{}", length.count()));
    let weight = opening.max_piece.map_or_else(String::new, |weight| format!("@{weight}"));
    format!("{}:{width}x{height}{length}{}", opening.deck.as_str(), weight.trim_end_matches(" kg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_of_a_table_come_back_as_they_were_written() {
        for text in ["", "LOWER:270x170", "MAIN:372x305x600", "BULK:91x114@80.5", "LOWER:270x170x318@4600 BULK:91x114"]
        {
            let openings: Vec<Opening> = openings_of_text(text).unwrap().into_iter().map(Opening::from).collect();
            assert_eq!(text_of_openings(&openings), text);
        }
        let spaced = openings_of_text(" lower:270x170   BULK:91x114 ").unwrap();
        assert_eq!(spaced.len(), 2);
    }

    #[test]
    fn a_text_that_is_no_opening_is_a_fault() {
        for (text, code) in [
            ("LOWER", FaultCode::InvalidFormat),
            ("LOWER:270", FaultCode::InvalidFormat),
            ("LOWER:270x170x1x1", FaultCode::InvalidFormat),
            ("UPPER:270x170", FaultCode::UnknownValue),
            ("LOWER:0x170", FaultCode::TooSmall),
            ("LOWER:270x3001", FaultCode::TooLarge),
            ("LOWER:270x170x1.5", FaultCode::TooPrecise),
            ("LOWER:270x170@0", FaultCode::TooSmall),
            ("LOWER:270x170@", FaultCode::WrongType),
        ] {
            assert_eq!(openings_of_text(text).unwrap_err().code, code, "{text}");
        }
        assert_eq!(openings_of_text(&"LOWER:1x1 ".repeat(11)).unwrap_err().code, FaultCode::TooLong);
    }
}
