use chrono::{DateTime, Utc};
use loadmaster_kernel::{
    AirportCode, BookingTemplateId, Dimensions, Fault, FaultCode, HandlingCode, Pieces, Volume, Weight,
};
use loadmaster_platform::web::{
    Patch,
    freight::{self, NewDimensions},
    object, read, request, set, with,
};
use loadmaster_reference::Reference;
use loadmaster_shipment::{AmendParty, MOST_HANDLING_CODES, MemberFaults, Party, Texts, TextsPatch, read_product};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{Entry, Template};

/// Longest name of a template, in characters.
const LONGEST_NAME: usize = 60;

/// A template for the bookings of an organization: what they have in common. What differs is null.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BookingTemplate)]
pub struct BookingTemplateBody {
    pub id: BookingTemplateId,
    /// Unique within the organization, regardless of case.
    pub name: String,
    /// Airport of departure.
    #[schema(required = true)]
    pub origin: Option<AirportCode>,
    /// Airport of arrival.
    #[schema(required = true)]
    pub destination: Option<AirportCode>,
    #[schema(required = true)]
    pub weight_kg: Option<Weight>,
    #[schema(required = true)]
    pub pieces: Option<Pieces>,
    /// Null: bookings get their volume from the weight.
    #[schema(required = true)]
    pub volume_m3: Option<Volume>,
    /// The pieces, by size; null: not given.
    #[schema(required = true)]
    pub dimensions: Option<Dimensions>,
    /// What the freight is, in your own words.
    #[schema(required = true)]
    pub description: Option<String>,
    /// IATA special handling codes of the freight, such as `PER`.
    pub special_handling_codes: Vec<HandlingCode>,
    /// The product, such as `GENERAL`.
    #[schema(required = true)]
    pub product: Option<String>,
    #[schema(required = true)]
    pub shipper: Option<Party>,
    #[schema(required = true)]
    pub consignee: Option<Party>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
}

impl From<&Entry<Template>> for BookingTemplateBody {
    fn from(entry: &Entry<Template>) -> Self {
        let template = entry.content.clone();
        Self {
            id: entry.id,
            name: template.name,
            origin: template.origin,
            destination: template.destination,
            weight_kg: template.weight,
            pieces: template.pieces,
            volume_m3: template.volume,
            dimensions: template.dimensions,
            description: template.description,
            special_handling_codes: template.special_handling_codes,
            product: template.product,
            shipper: template.shipper,
            consignee: template.consignee,
            created_at: entry.created_at,
            updated_at: entry.updated_at,
            version: entry.version,
        }
    }
}

request! {
    /// A booking template to keep. Members that differ from booking to booking are left out.
    pub struct CreateBookingTemplate in body(reference: &Reference) {
        /// Unique within the organization, regardless of case.
        #[schema(max_length = 60)]
        name: String = read::line(LONGEST_NAME),
        /// Airport of departure.
        origin: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Airport of arrival, other than `origin`.
        destination: Option<AirportCode> = |raw| reference.read_destination(raw, origin),
        /// Its pieces, by size: they sum to `pieces`.
        dimensions: Option<NewDimensions> = with(freight::dimensions),
        /// Default: the sum of the dimensions.
        pieces: Option<Pieces> = with(|fields| freight::pieces(fields, dimensions.as_ref())),
        /// Default: the sum of the dimensions, if each line has a weight.
        weight_kg: Option<Weight> = with(|fields| freight::weight(fields, dimensions.as_ref())),
        /// Left out: that of the dimensions; without any, bookings get their volume from the weight.
        volume_m3: Option<Volume> = with(|fields| freight::volume(fields, dimensions.as_ref())),
        /// What the freight is, in your own words.
        #[schema(max_length = 2000)]
        description: Option<String> = read::prose(read::PROSE),
        /// IATA special handling codes of the freight, such as `PER`.
        #[schema(max_items = 9)]
        special_handling_codes: Vec<HandlingCode> = set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        /// The product, such as `GENERAL`.
        #[schema(min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9-]+$")]
        product: Option<String> = read_product,
        shipper: Option<Party> = object(Party::read),
        consignee: Option<Party> = object(Party::read),
    }
}

impl From<CreateBookingTemplate> for Template {
    fn from(new: CreateBookingTemplate) -> Self {
        Self {
            name: new.name,
            origin: new.origin,
            destination: new.destination,
            pieces: new.pieces,
            weight: new.weight_kg,
            volume: new.volume_m3,
            dimensions: new.dimensions.map(NewDimensions::into_inner),
            product: new.product,
            special_handling_codes: new.special_handling_codes,
            description: new.description,
            shipper: new.shipper,
            consignee: new.consignee,
        }
    }
}

request! {
    /// Changes to a booking template: a JSON merge patch (RFC 7396). Members that are left out remain unchanged; `null`
    /// clears a member.
    pub struct ChangeBookingTemplate in patch(reference: &Reference) {
        /// Unique within the organization, regardless of case.
        #[schema(max_length = 60)]
        name: Option<String> = read::line(LONGEST_NAME),
        /// Airport of departure.
        origin: Patch<AirportCode> = |raw| reference.read_airport(raw),
        /// Airport of arrival, other than `origin`.
        destination: Patch<AirportCode> = |raw| reference.read_destination(raw, origin.set()),
        /// Its pieces, by size: bring `pieces`, `volume_m3` and, if each line has one, `weight_kg` along. Other values of these
        /// must agree with them. `null`: none.
        dimensions: Patch<NewDimensions> = with(freight::dimensions),
        pieces: Patch<Pieces> = read::pieces,
        weight_kg: Patch<Weight> = read::weight,
        /// `null`: that of the dimensions; without any, bookings get their volume from the weight.
        volume_m3: Patch<Volume> = read::volume,
        /// What the freight is, in your own words.
        #[schema(max_length = 2000)]
        description: Patch<String> = read::prose(read::PROSE),
        /// IATA special handling codes of the freight, such as `PER`.
        #[schema(max_items = 9)]
        special_handling_codes: Patch<Vec<HandlingCode>> =
            set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        /// The product, such as `GENERAL`.
        #[schema(min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9-]+$")]
        product: Patch<String> = read_product,
        shipper: Patch<AmendParty> = object(AmendParty::read),
        consignee: Patch<AmendParty> = object(AmendParty::read),
    }
}

impl ChangeBookingTemplate {
    /// Returns the changed template, or the members that contradict existing values, each with its fault.
    pub fn applied(&self, before: &Template) -> Result<Template, MemberFaults> {
        let (texts, mut faults) = match self.texts(before) {
            Ok(texts) => (texts, Vec::new()),
            Err(faults) => (Texts::default(), faults),
        };
        let (origin, destination) = (self.origin.or(before.origin), self.destination.or(before.destination));
        if destination.is_some() && destination == origin {
            faults.push(("/destination", Fault::new(FaultCode::SameAsOrigin, "must differ from the origin")));
        }
        let freight = self.freight(before);
        faults.extend(freight.faults(!self.dimensions.is_keep()));
        if !faults.is_empty() {
            return Err(faults);
        }
        let codes = self.special_handling_codes.clone().or(Some(before.special_handling_codes.clone()));
        Ok(Template {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            origin,
            destination,
            pieces: freight.pieces,
            weight: freight.weight,
            volume: freight.volume,
            dimensions: freight.dimensions,
            product: self.product.clone().or(before.product.clone()),
            special_handling_codes: codes.unwrap_or_default(),
            description: texts.description,
            shipper: texts.shipper,
            consignee: texts.consignee,
        })
    }

    /// Returns the freight after the patch. New dimensions bring along what they sum to.
    fn freight(&self, before: &Template) -> Freight {
        let dimensions = match &self.dimensions {
            Patch::Keep => before.dimensions.clone(),
            Patch::Clear => None,
            Patch::Set(new) => Some(new.clone().into_inner()),
        };
        let brought = dimensions.as_ref().filter(|_| !self.dimensions.is_keep());
        let pieces = self.pieces.or(brought.map(Dimensions::pieces).or(before.pieces));
        let weight = self.weight_kg.or(brought.and_then(Dimensions::weight).or(before.weight));
        let volume = self.volume_m3.or(brought.map(Dimensions::volume).or(before.volume));
        let sums = dimensions.as_ref();
        Freight {
            pieces: pieces.or_else(|| sums.map(Dimensions::pieces)),
            weight: weight.or_else(|| sums.and_then(Dimensions::weight)),
            volume: volume.or_else(|| sums.map(Dimensions::volume)),
            dimensions,
        }
    }

    /// Returns the texts after the patch.
    fn texts(&self, before: &Template) -> Result<Texts, MemberFaults> {
        let texts = Texts {
            description: before.description.clone(),
            shipper: before.shipper.clone(),
            consignee: before.consignee.clone(),
            customer_reference: None,
        };
        let patch = TextsPatch {
            description: &self.description,
            shipper: &self.shipper,
            consignee: &self.consignee,
            customer_reference: &Patch::Keep,
        };
        patch.apply(texts)
    }
}

/// The freight of a changed template.
struct Freight {
    pieces: Option<Pieces>,
    weight: Option<Weight>,
    volume: Option<Volume>,
    dimensions: Option<Dimensions>,
}

impl Freight {
    /// Returns where the dimensions contradict the other members; `is_new`: they are those of the patch.
    fn faults(&self, is_new: bool) -> MemberFaults {
        let Some(dimensions) = &self.dimensions else { return MemberFaults::new() };
        let of_volume = if is_new { "/volume_m3" } else { "/dimensions" };
        let faults = [
            ("/dimensions", self.pieces.and_then(|pieces| dimensions.fault_of_pieces(pieces))),
            ("/dimensions", self.weight.and_then(|weight| dimensions.fault_of_weight(weight))),
            (of_volume, self.volume.and_then(|volume| dimensions.fault_of_volume(volume))),
        ];
        faults.into_iter().filter_map(|(member, fault)| Some((member, fault?))).collect()
    }
}
