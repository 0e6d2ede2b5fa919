//! Readers of the members that describe freight, where its dimensions may stand for its pieces, its weight and its volume.
use std::ops::Deref;

use loadmaster_kernel::{Centimetres, DimensionLine, Dimensions, Pieces, Volume, Weight};
use utoipa::ToSchema;

use super::{Fields, objects, read, request};

const DIMENSIONS: &str = "dimensions";

request! {
    /// Pieces of one size.
    #[schema(example = json!({"pieces": 4, "length_cm": 120, "width_cm": 80, "height_cm": 100, "weight_kg": 50, "is_tiltable": false, "is_stackable": true}))]
    pub struct NewDimensionLine in body {
        /// How many pieces have this size.
        pieces: Pieces = read::pieces,
        /// Of one piece.
        length_cm: Centimetres = read::centimetres,
        /// Of one piece.
        width_cm: Centimetres = read::centimetres,
        /// Of one piece.
        height_cm: Centimetres = read::centimetres,
        /// Of one piece.
        weight_kg: Option<Weight> = read::weight,
        /// Whether a piece may lie on any side.
        #[schema(default = false)]
        is_tiltable: Option<bool> = read::boolean,
        /// Whether other freight may stand on a piece.
        #[schema(default = true)]
        is_stackable: Option<bool> = read::boolean,
    }
}

impl From<NewDimensionLine> for DimensionLine {
    fn from(new: NewDimensionLine) -> Self {
        Self {
            pieces: new.pieces,
            length_cm: new.length_cm,
            width_cm: new.width_cm,
            height_cm: new.height_cm,
            weight: new.weight_kg,
            is_tiltable: new.is_tiltable.unwrap_or_default(),
            is_stackable: new.is_stackable.unwrap_or(true),
        }
    }
}

/// The dimensions of freight. Their pieces sum to `pieces`, which may be left out; so may `weight_kg`, if each line has the weight of
/// a piece, and `volume_m3`, which is at least the sum.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(value_type = Vec<NewDimensionLine>, min_items = 1, max_items = 50)]
pub struct NewDimensions(Dimensions);

impl NewDimensions {
    pub fn into_inner(self) -> Dimensions {
        self.0
    }
}

impl From<Dimensions> for NewDimensions {
    fn from(dimensions: Dimensions) -> Self {
        Self(dimensions)
    }
}

impl Deref for NewDimensions {
    type Target = Dimensions;

    fn deref(&self) -> &Dimensions {
        &self.0
    }
}

/// Reads the member `dimensions` of a body. In a query it is not known.
pub fn dimensions(fields: &mut Fields<'_>) -> Option<NewDimensions> {
    if fields.is_of_query() {
        return None;
    }
    let faults = fields.fault_count();
    let lines = fields.optional(DIMENSIONS, objects(Dimensions::MOST_LINES, NewDimensionLine::read))?;
    // Of the lines that are right, the sums would be of no use.
    if fields.fault_count() > faults {
        return None;
    }
    match Dimensions::of(lines.into_iter().map(DimensionLine::from).collect()) {
        Ok(dimensions) => Some(NewDimensions(dimensions)),
        Err(fault) => {
            fields.fault(DIMENSIONS, &fault);
            None
        }
    }
}

/// Reads the member `pieces`, or counts those of the dimensions.
pub fn pieces(fields: &mut Fields<'_>, dimensions: Option<&NewDimensions>) -> Option<Pieces> {
    if fields.is_absent("pieces") {
        _ = fields.optional("pieces", read::pieces);
        return dimensions.map(|dimensions| dimensions.pieces());
    }
    let pieces = fields.optional("pieces", read::pieces)?;
    if let Some(fault) = dimensions.and_then(|dimensions| dimensions.fault_of_pieces(pieces)) {
        fields.fault(DIMENSIONS, &fault);
    }
    Some(pieces)
}

/// The same; it is required where dimensions do not count them.
pub fn needed_pieces(fields: &mut Fields<'_>, dimensions: Option<&NewDimensions>) -> Option<Pieces> {
    let pieces = pieces(fields, dimensions);
    if pieces.is_none() {
        require(fields, "pieces", dimensions);
    }
    pieces
}

/// Reads the member `weight_kg`, or sums the weights of the dimensions.
pub fn weight(fields: &mut Fields<'_>, dimensions: Option<&NewDimensions>) -> Option<Weight> {
    if fields.is_absent("weight_kg") {
        _ = fields.optional("weight_kg", read::weight);
        return dimensions.and_then(|dimensions| dimensions.weight());
    }
    let weight = fields.optional("weight_kg", read::weight)?;
    if let Some(fault) = dimensions.and_then(|dimensions| dimensions.fault_of_weight(weight)) {
        fields.fault(DIMENSIONS, &fault);
    }
    Some(weight)
}

/// The same; it is required where dimensions do not have it.
pub fn needed_weight(fields: &mut Fields<'_>, dimensions: Option<&NewDimensions>) -> Option<Weight> {
    let weight = weight(fields, dimensions);
    if weight.is_none() {
        require(fields, "weight_kg", dimensions);
    }
    weight
}

/// Records that a member is missing, unless it is only faulty, or dimensions are, which might have stood for it.
fn require(fields: &mut Fields<'_>, name: &'static str, dimensions: Option<&NewDimensions>) {
    if fields.is_absent(name) && (dimensions.is_some() || fields.is_absent(DIMENSIONS)) {
        fields.missing(name);
    }
}

/// Reads the member `volume_m3`, or returns the volume of the dimensions.
pub fn volume(fields: &mut Fields<'_>, dimensions: Option<&NewDimensions>) -> Option<Volume> {
    if fields.is_absent("volume_m3") {
        _ = fields.optional("volume_m3", read::volume);
        return dimensions.map(|dimensions| dimensions.volume());
    }
    let volume = fields.optional("volume_m3", read::volume)?;
    if let Some(fault) = dimensions.and_then(|dimensions| dimensions.fault_of_volume(volume)) {
        fields.fault("volume_m3", &fault);
    }
    Some(volume)
}
