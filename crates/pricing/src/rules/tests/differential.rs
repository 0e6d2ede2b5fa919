//! A second implementation, as naive as the contract reads: every tariff is looked at, and amounts are sums of fractions.
use super::*;

/// Numbers that are the same at each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    fn word(&mut self, all: &[&'static str]) -> &'static str {
        self.of::<&'static str>(all)
    }

    fn units(&mut self, most: u64) -> i64 {
        i64::try_from(self.below(most)).unwrap()
    }
}

const SCOPES: [&str; 10] = [
    "DEL",
    "DXB",
    "LHR",
    "city:London,GB",
    "city:New Delhi,IN",
    "country:GB",
    "country:IN",
    "region:EUROPE",
    "region:ASIA",
    "*",
];
const AIRPORTS: [(&str, &str, &str, &str); 3] = [
    ("DEL", "city:New Delhi,IN", "country:IN", "region:ASIA"),
    ("DXB", "city:Dubai,AE", "country:AE", "region:MIDDLE_EAST"),
    ("LHR", "city:London,GB", "country:GB", "region:EUROPE"),
];
const CURRENCIES: [&str; 3] = ["USD", "JPY", "KWD"];
const PRODUCTS: [&str; 3] = ["GENERAL", "ROSES", "TULIPS"];
const CODES: [&str; 3] = ["PER", "AVI", "COL"];

fn random_tariff(dice: &mut Dice, currency: Currency, scopes: &[&'static str]) -> Tariff {
    let mut breaks = Vec::new();
    let normal = dice.units(200_000) + 1;
    let (mut weight, mut of) = (0, normal);
    for _ in 0..dice.below(5) {
        weight += dice.units(1500) + 1;
        of -= 1 + dice.units(30_000);
        if of <= 0 {
            break;
        }
        breaks.push(Break { from: Weight::from_hectograms(weight), rate: Rate::from_ten_thousandths(of) });
    }
    let mut optional = |share: u64| dice.below(share) == 0;
    let (has_owner, has_code, has_airline, has_number) = (optional(6), optional(5), optional(4), optional(6));
    Tariff {
        code: "T".to_owned(),
        organization_id: has_owner.then(|| Uuid::from_u128(1 + u128::from(dice.below(2))).into()),
        product: dice.word(&PRODUCTS).parse().unwrap(),
        handling_code: has_code.then(|| dice.word(&CODES).parse().unwrap()),
        minimum: Money::new(dice.units(20_000), currency),
        normal: Rate::from_ten_thousandths(normal),
        breaks,
        reach: Reach {
            airline_code: has_airline.then(|| dice.word(&["AI", "EK"]).parse().unwrap()),
            flight_numbers: has_number
                .then(|| dice.word(&["AI1", "EK1", "EK2"]).parse().unwrap())
                .into_iter()
                .collect(),
            valid_from: date(dice.word(&["2026-01-01", "2026-06-01", "2026-12-01"])),
            ..between(dice.word(scopes), dice.word(scopes))
        },
    }
}

fn breadth(scope: &Scope, airport: &str) -> Option<u8> {
    let (code, city, country, region) = AIRPORTS.into_iter().find(|(code, ..)| *code == airport).unwrap();
    (0..).zip([code, city, country, region, "*"]).find(|(_, text)| scope.as_str() == *text).map(|(breadth, _)| breadth)
}

struct Shipment<'a> {
    legs: &'a [(&'a str, &'a str, &'a str)],
    codes: &'a [HandlingCode],
    product: &'a str,
    organization: Option<OrganizationId>,
}

/// The number of the tariff that applies to these legs.
fn chosen(tariffs: &[Tariff], shipment: &Shipment<'_>, legs: &[(&str, &str, &str)]) -> Option<usize> {
    let (origin, destination) = (legs[0].1, legs[legs.len() - 1].2);
    let flown_by = |airline: &str| legs.iter().all(|(number, ..)| number.starts_with(airline));
    let matching = tariffs.iter().enumerate().filter_map(|(number, tariff)| {
        let reach = &tariff.reach;
        let ends = (breadth(&reach.origin, origin)?, breadth(&reach.destination, destination)?);
        let fits = tariff.organization_id.is_none_or(|own| Some(own) == shipment.organization)
            && (tariff.product.as_str() == shipment.product || tariff.product.as_str() == "GENERAL")
            && tariff.handling_code.is_none_or(|code| shipment.codes.contains(&code))
            && reach.airline_code.is_none_or(|airline| flown_by(airline.as_str()))
            && (reach.flight_numbers.is_empty()
                || legs.iter().any(|(flown, ..)| reach.flight_numbers[0].as_str() == *flown))
            && reach.valid_from <= date("2026-11-21");
        let score = |given: bool, weight: u64| u64::from(given) * weight;
        let given = score(tariff.organization_id.is_some(), 16)
            + score(tariff.product.as_str() == shipment.product, 8)
            + score(tariff.handling_code.is_some(), 4)
            + score(reach.airline_code.is_some(), 2)
            + score(!reach.flight_numbers.is_empty(), 1);
        fits.then_some(((given, 4 - ends.0, 4 - ends.1, reach.valid_from, number), number))
    });
    matching.max().map(|(_, number)| number)
}

/// Minor units: of each possible weight the fraction, the least of them, at least the minimum, rounded half up.
fn charge(tariff: &Tariff, load: (Weight, Volume)) -> i64 {
    let (hectograms, litres) = (load.0.hectograms(), load.1.litres());
    // In twelfths of a hectogram: kilograms are litres / 6.
    let half_kilos = (hectograms * 12).max(litres * 20);
    let weight = (half_kilos + 59) / 60 * 5;
    let steps: Vec<(i64, i64)> = std::iter::once((0, tariff.normal.ten_thousandths()))
        .chain(tariff.breaks.iter().map(|each| (each.from.hectograms(), each.rate.ten_thousandths())))
        .collect();
    let own = steps.iter().rposition(|(from, _)| *from <= weight).unwrap();
    let unit = 10_i128.pow(tariff.currency().decimals());
    // Hundred-thousandths of a minor unit.
    let cheapest = steps[own..].iter().map(|(from, of)| i128::from(weight.max(*from)) * i128::from(*of) * unit).min();
    let cheapest = cheapest.unwrap();
    let (whole, rest) = (cheapest / 100_000, cheapest % 100_000);
    let rounded = i64::try_from(whole).unwrap() + i64::from(rest >= 50_000);
    rounded.max(tariff.minimum.minor())
}

fn naive(tariffs: &[Tariff], shipment: &Shipment<'_>, load: (Weight, Volume)) -> Option<(bool, Money)> {
    let legs = shipment.legs;
    if let Some(through) = chosen(tariffs, shipment, legs) {
        let tariff = &tariffs[through];
        return Some((true, Money::new(charge(tariff, load), tariff.currency())));
    }
    let each: Option<Vec<&Tariff>> =
        legs.iter().map(|leg| chosen(tariffs, shipment, &[*leg]).map(|number| &tariffs[number])).collect();
    let each = each.filter(|_| legs.len() > 1)?;
    let currency = each[0].currency();
    let is_one = each.iter().all(|tariff| tariff.currency() == currency);
    is_one.then(|| (false, Money::new(each.iter().map(|tariff| charge(tariff, load)).sum(), currency)))
}

/// Takes seconds: 100 shipments by each of 300 sets of tariffs; with time, of 1000.
#[test]
fn a_naive_rater_agrees_to_the_last_digit() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let reference = Reference::bundled().unwrap();
    let legs = [("AI1", "DEL", "DXB"), ("EK1", "DXB", "LHR"), ("EK2", "DEL", "LHR"), ("AI2", "DEL", "LHR")];
    let flown = legs.map(|(number, from, to)| PricedLeg::of(&flight(number, from, to), &reference));
    let ways = [&[0, 1][..], &[0, 1], &[2], &[3]];
    let codes: Vec<HandlingCode> = CODES.iter().map(|code| code.parse().unwrap()).collect();
    let (mut rated, mut through) = (0, 0);
    let is_long = std::env::var_os("LOADMASTER_TEST_LONG").is_some_and(|value| !value.is_empty());
    let sets = if is_long { 1000 } else { 300 };
    for _ in 0..sets {
        let currency: Currency = dice.word(&CURRENCIES).parse().unwrap();
        // In some sets, mostly legs have tariffs.
        let scopes = if dice.below(3) == 0 { &SCOPES[..3] } else { &SCOPES[..] };
        let tariffs: Vec<Tariff> = (0..=dice.below(20))
            .map(|_| {
                let other = dice.below(8) == 0;
                random_tariff(&mut dice, if other { "EUR".parse().unwrap() } else { currency }, scopes)
            })
            .collect();
        let changes = Changes { tariffs: numbered(tariffs.clone()), ..Changes::default() };
        let rules = PriceRules::new(&reference, None).changed(changes);
        for _ in 0..100 {
            let way = *dice.of(&ways);
            let own: Vec<_> = way.iter().map(|leg| legs[*leg]).collect();
            let flown: Vec<PricedLeg> = way.iter().map(|leg| flown[*leg].clone()).collect();
            let codes = &codes[..usize::try_from(dice.below(3)).unwrap()];
            let organization = (dice.below(3) > 0).then(|| Uuid::from_u128(1 + u128::from(dice.below(2))).into());
            let shipment = Shipment { legs: &own, codes, product: dice.word(&PRODUCTS), organization };
            let load = (Weight::from_hectograms(1 + dice.units(8000)), Volume::from_litres(1 + dice.units(5000)));
            let freight =
                Freight { weight: load.0, volume: load.1, special_handling_codes: codes, product: shipment.product };
            let found = rules.estimate_legs(flown, freight, organization, noon());
            let found = found.map(|found| (found.basis == PriceBasis::Through, found.sums.total()));
            assert_eq!(found, naive(&tariffs, &shipment, load), "{tariffs:#?}\n{own:?} {freight:?} {organization:?}");
            rated += i32::from(found.is_some());
            through += i32::from(found.is_some_and(|(is_through, _)| is_through));
        }
    }
    // Each case occurs often.
    let is_often = (20 * sets..95 * sets).contains(&rated) && 2 * (rated - through) > sets;
    assert!(is_often, "{rated} rated, {through} through");
}
