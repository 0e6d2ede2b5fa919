//! Optional members of a shipment, combined at random: what a request says, and what the freight is after it.
use std::collections::BTreeSet;

use loadmaster_testkit::Dice;
use serde_json::{Map, Value, json};

use super::{
    model::{Flight, Freight, WAYBILLS, standard_volume},
    wire,
};

/// The members that an operation takes beside freight and texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Those of a hold.
    All,
    /// Those of the patch of a booking.
    Booking,
}

const TEXTS: [&str; 3] = ["Machine parts", "Fresh flowers", "Täglich: Ersatzteile\nund Öl"];
const NAMES: [&str; 2] = ["Exporter Ltd", "Importeur & Söhne"];
const EMAILS: [&str; 2] = ["ann@forwarder.example", "ben@forwarder.example"];
const CODES: [&[&str]; 5] = [&[], &["PER"], &["CAO"], &["EAT", "PER"], &["BIG"]];

pub fn one_in(dice: &mut Dice, chances: u64) -> bool {
    dice.below(chances) == 0
}

/// Up to these bounds, in hectograms: from 1 kg on.
pub fn weight(dice: &mut Dice, most: u64) -> i64 {
    10 + i64::try_from(dice.below(most)).unwrap()
}

struct Giving<'a> {
    dice: &'a mut Dice,
    body: Map<String, Value>,
    /// One in so many members is given.
    rare: u64,
}

impl Giving<'_> {
    /// Gives one of these, or null, or nothing.
    fn text(
        &mut self,
        member: &str,
        values: &[&'static str],
        shown: impl Fn(&str) -> Value,
    ) -> Option<Option<&'static str>> {
        if !one_in(self.dice, self.rare) {
            return None;
        }
        let value = if one_in(self.dice, 4) { None } else { Some(*self.dice.pick(values)) };
        self.body.insert(member.to_owned(), value.map_or(Value::Null, shown));
        Some(value)
    }

    fn number(&mut self, member: &str, most: u64, may_be_null: bool) -> Option<Option<i64>> {
        if !one_in(self.dice, self.rare) {
            return None;
        }
        let is_null = may_be_null && one_in(self.dice, 4);
        let value = (!is_null).then(|| i64::try_from(self.dice.below(most)).unwrap());
        self.body.insert(member.to_owned(), value.into());
        Some(value)
    }
}

/// Changes some members of this freight on its way; `before` is what it is so far. Null means absent in what is created.
pub fn change(
    dice: &mut Dice,
    before: &Freight,
    (way, flights): (&[usize], &[Flight]),
    takes: Takes,
    rare: u64,
) -> (Map<String, Value>, Freight) {
    let mut after = before.clone();
    let mut giving = Giving { dice, body: Map::new(), rare };
    texts(&mut giving, &mut after, takes);
    if one_in(giving.dice, rare) {
        let codes = *giving.dice.pick(&CODES);
        after.codes = codes.iter().copied().collect();
        giving.body.insert("special_handling_codes".to_owned(), json!(codes));
    }
    if one_in(giving.dice, rare * 2) {
        let number = usize::try_from(giving.dice.below(7)).unwrap();
        after.awb = WAYBILLS.get(number).map(|_| number);
        giving.body.insert("awb_number".to_owned(), after.awb.map_or(Value::Null, |number| WAYBILLS[number].into()));
    }
    load(&mut giving, &mut after, takes);
    if takes == Takes::All {
        names(&mut giving, &mut after, way, flights);
    }
    let positions = usize::try_from(after.space.positions).unwrap();
    after.names.retain(|flight, names| {
        way.contains(flight) && names.len() == positions || names.iter().any(|name| *name > 90)
    });
    (giving.body, after)
}

fn texts(giving: &mut Giving<'_>, after: &mut Freight, takes: Takes) {
    let plain = |text: &str| Value::from(text);
    let party = |name: &str| json!({"name": name, "city": "Delhi"});
    if let Some(text) = giving.text("description", &TEXTS, plain) {
        after.description = text;
    }
    if let Some(text) = giving.text("customer_reference", &["PO 4711", "x"], plain) {
        after.reference = text;
    }
    if let Some(name) = giving.text("shipper", &NAMES, party) {
        after.shipper = name;
    }
    if let Some(name) = giving.text("consignee", &NAMES, party) {
        after.consignee = name;
    }
    if takes == Takes::All {
        if let Some(email) = giving.text("contact", &EMAILS, |email| json!({"email": email})) {
            after.contact = email;
        }
        if let Some(product) = giving.text("product", &["PHARMA", "GENERAL"], plain) {
            after.product = product.filter(|product| *product != "GENERAL");
        }
    }
}

fn load(giving: &mut Giving<'_>, after: &mut Freight, takes: Takes) {
    // A booking always has pieces.
    if let Some(pieces) = giving.number("pieces", 9, takes == Takes::All) {
        let pieces = pieces.map(|pieces| pieces + 1);
        giving.body.insert("pieces".to_owned(), pieces.into());
        after.pieces = pieces;
    }
    if let Some(volume) = giving.number("volume_m3", 3000, true) {
        after.defaulted = volume.is_none();
        after.space.volume = volume.map_or(0, |volume| volume + 1);
        giving.body.insert("volume_m3".to_owned(), volume.map_or(Value::Null, |volume| wire::cubic_metres(volume + 1)));
    }
    if let Some(positions) = giving.number("positions", 3, true) {
        after.space.positions = positions.unwrap_or_default();
    }
    if after.defaulted {
        after.space.volume = standard_volume(after.space.weight);
    }
}

/// Names as many positions on some flights of the way; now and then one that there is not.
fn names(giving: &mut Giving<'_>, after: &mut Freight, way: &[usize], flights: &[Flight]) {
    if way.is_empty() || !one_in(giving.dice, giving.rare * 2) {
        return;
    }
    let count = 1 + giving.dice.below(2);
    let mut body = Map::new();
    after.names.clear();
    for flight in way {
        if !after.names.is_empty() && one_in(giving.dice, 2) {
            continue;
        }
        let mut own = BTreeSet::new();
        while (own.len() as u64) < count {
            let name = if one_in(giving.dice, 30) { 99 } else { 1 + i64::try_from(giving.dice.below(4)).unwrap() };
            own.insert(name);
        }
        let shown: Vec<String> = own.iter().map(|name| format!("P{name}")).collect();
        body.insert(flights[*flight].id.clone(), json!(shown));
        after.names.insert(*flight, own);
    }
    after.space.positions = i64::try_from(count).unwrap();
    giving.body.insert("position_names".to_owned(), Value::Object(body));
}
