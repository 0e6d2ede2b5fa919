use std::{collections::HashSet, str::FromStr};

use loadmaster_kernel::{AirportCode, Fault, FaultCode, text_value};
use loadmaster_platform::web::{Raw, read};
use utoipa::ToSchema;

use super::{Reference, service::unknown};

/// The airports that a rule covers, as it names them: an airport `LHR`, a city `city:London,GB`, a country `country:GB`, a
/// region `region:EUROPE`, or `*` for all.
#[derive(Clone, PartialEq, Eq, Hash, ToSchema)]
#[schema(value_type = String, example = "country:GB",
         pattern = r"^([A-Z]{3}|city:[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*,[A-Z]{2}|country:[A-Z]{2}|region:[A-Z_]+|\*)$")]
pub struct Scope(Parsed);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Parsed {
    text: Box<str>,
    named: Named,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Named {
    Airport(AirportCode),
    City { name: Box<str>, country: Box<str> },
    Country(Box<str>),
    Region(Box<str>),
    Everywhere,
}

impl Scope {
    /// The scope `*`.
    pub fn everywhere() -> Self {
        Named::Everywhere.into()
    }

    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Returns 0 for an airport, then 1 for a city, 2 for a country, 3 for a region, and 4 for all: where several rules
    /// apply, the narrowest precedes.
    pub const fn breadth(&self) -> u8 {
        match self.0.named {
            Named::Airport(_) => 0,
            Named::City { .. } => 1,
            Named::Country(_) => 2,
            Named::Region(_) => 3,
            Named::Everywhere => 4,
        }
    }
}

text_value!(Scope);

impl From<AirportCode> for Scope {
    fn from(code: AirportCode) -> Self {
        Named::Airport(code).into()
    }
}

impl From<Named> for Scope {
    fn from(named: Named) -> Self {
        let text = match &named {
            Named::Airport(code) => code.to_string(),
            Named::City { name, country } => format!("city:{name},{country}"),
            Named::Country(country) => format!("country:{country}"),
            Named::Region(region) => format!("region:{region}"),
            Named::Everywhere => "*".to_owned(),
        };
        Self(Parsed { text: text.into(), named })
    }
}

impl FromStr for Scope {
    type Err = Fault;

    /// Checks the form only; [`Reference::read_scope`] also checks that the place exists.
    fn from_str(text: &str) -> Result<Self, Fault> {
        let malformed =
            || Fault::format("must be an airport such as LHR, or city:London,GB, country:GB, region:EUROPE or *");
        let text = text.trim();
        let Some((kind, place)) = text.split_once(':') else {
            let named = if text == "*" { Ok(Named::Everywhere) } else { text.parse().map(Named::Airport) };
            return named.map(Self::from).map_err(|_: Fault| malformed());
        };
        let country = |code: &str| read::country(Raw::Text(code)).map(String::into_boxed_str).map_err(|_| malformed());
        let named = match kind.trim().to_ascii_lowercase().as_str() {
            "city" => {
                let (name, code) = place.rsplit_once(',').ok_or_else(malformed)?;
                let name = read::line(read::LINE)(Raw::Text(name.trim())).map_err(|_| malformed())?;
                Named::City { name: name.into(), country: country(code)? }
            }
            "country" => Named::Country(country(place)?),
            "region" => {
                let code = place.trim().to_ascii_uppercase();
                let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
                Named::Region(is_code.then_some(code).ok_or_else(malformed)?.into())
            }
            _ => return Err(malformed()),
        };
        Ok(named.into())
    }
}

/// The airports of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Area {
    Everywhere,
    Airports(HashSet<AirportCode>),
}

impl Area {
    pub fn contains(&self, airport: AirportCode) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Airports(airports) => airports.contains(&airport),
        }
    }
}

impl Reference {
    /// Parses a scope whose airport, city, country or region exists. A city gets its usual spelling: case and diacritics
    /// are ignored.
    pub fn read_scope(&self, raw: Raw<'_>) -> Result<Scope, Fault> {
        let scope: Scope = read::code(raw)?;
        match &scope.0.named {
            Named::Airport(code) => {
                self.airport(*code).ok_or_else(|| unknown("airport", code))?;
            }
            Named::City { name, country } => {
                let found = self.airports_of(name, country).into_iter().next();
                // Not repeated in the message: free text.
                let unknown = || Fault::new(FaultCode::UnknownValue, "names a city without an airport");
                let name = found.ok_or_else(unknown)?.city.as_str().into();
                return Ok(Named::City { name, country: country.clone() }.into());
            }
            Named::Country(country) => {
                let is_known = self.regions().iter().any(|region| region.countries.contains(&&**country));
                is_known.then_some(()).ok_or_else(|| unknown("country", country))?;
            }
            Named::Region(code) => {
                let is_known = self.regions().iter().any(|region| region.code == &**code);
                is_known.then_some(()).ok_or_else(|| unknown("region", code))?;
            }
            Named::Everywhere => {}
        }
        Ok(scope)
    }

    /// Returns the airports that the scope covers; none for a place that does not exist.
    pub fn area(&self, scope: &Scope) -> Area {
        let of_countries = |countries: &[&str]| {
            let airports =
                self.airports().into_iter().filter(|airport| countries.contains(&airport.country_code.as_str()));
            airports.map(|airport| airport.code).collect()
        };
        let airports = match &scope.0.named {
            Named::Everywhere => return Area::Everywhere,
            Named::Airport(code) => HashSet::from([*code]),
            Named::City { name, country } => {
                self.airports_of(name, country).iter().map(|airport| airport.code).collect()
            }
            Named::Country(country) => of_countries(&[country]),
            Named::Region(code) => {
                let region = self.regions().iter().find(|region| region.code == &**code);
                region.map(|region| of_countries(&region.countries)).unwrap_or_default()
            }
        };
        Area::Airports(airports)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Scope, Fault> {
        Reference::bundled().unwrap().read_scope(Raw::Text(text))
    }

    #[test]
    fn a_scope_is_written_in_one_way() {
        for (text, written) in [
            (" lhr ", "LHR"),
            ("city:LONDON,gb", "city:London,GB"),
            ("City: sao paulo , br", "city:São Paulo,BR"),
            ("country:gb", "country:GB"),
            ("REGION:latin_america", "region:LATIN_AMERICA"),
            ("*", "*"),
        ] {
            let scope = read(text).unwrap();
            assert_eq!(scope.as_str(), written, "{text}");
            assert_eq!(scope.as_str().parse::<Scope>().unwrap(), scope, "{text}");
            assert_eq!(serde_json::to_value(&scope).unwrap(), written);
        }
        assert_eq!(Scope::everywhere(), "*".parse().unwrap());
        assert_eq!(Scope::from("LHR".parse::<AirportCode>().unwrap()), "lhr".parse().unwrap());
    }

    #[test]
    fn a_scope_without_its_form_is_refused() {
        for text in [
            "",
            "LH",
            "LHRX",
            "**",
            "city:London",
            "city:,GB",
            "city:London,GBR",
            "country:GBR",
            "country:",
            "region:",
            "region:EU-1",
            "zone:EUROPE",
            ":GB",
        ] {
            assert_eq!(read(text).unwrap_err().code, FaultCode::InvalidFormat, "{text:?}");
        }
        assert_eq!(read("city:Lon\u{7}don,GB").unwrap_err().code, FaultCode::InvalidFormat);
        assert_eq!(
            Reference::default().read_scope(Raw::Json(&serde_json::json!(5))).unwrap_err().code,
            FaultCode::WrongType
        );
    }

    #[test]
    fn a_place_that_does_not_exist_is_an_unknown_value() {
        for text in ["QQQ", "city:Atlantis,GB", "city:London,IN", "country:ZZ", "region:ATLANTIS"] {
            assert_eq!(read(text).unwrap_err().code, FaultCode::UnknownValue, "{text:?}");
        }
    }

    #[test]
    fn a_scope_covers_the_airports_of_its_place() {
        let reference = Reference::bundled().unwrap();
        let cases = [
            ("LHR", &["LHR"][..], &["LGW", "DEL"][..]),
            ("city:London,GB", &["LHR", "LGW", "STN"], &["MAN", "YXU", "DEL"]),
            ("city:London,CA", &["YXU"], &["LHR"]),
            ("country:GB", &["LHR", "MAN"], &["DUB", "DEL"]),
            ("region:EUROPE", &["LHR", "FRA", "IST", "PRN"], &["DEL", "DXB", "CAI"]),
            ("region:MIDDLE_EAST", &["DXB", "DOH"], &["CAI", "IST", "DEL"]),
            ("*", &["LHR", "DEL", "AAA"], &[]),
        ];
        for (text, inside, outside) in cases {
            let area = reference.area(&read(text).unwrap());
            let covers = |code: &&&str| area.contains(code.parse().unwrap());
            assert!(inside.iter().all(|code| covers(&code)), "{text}");
            assert!(!outside.iter().any(|code| covers(&code)), "{text}");
        }
        // Such a rule may have been written by another release.
        assert_eq!(reference.area(&"city:Atlantis,GB".parse().unwrap()), Area::Airports(HashSet::new()));
    }

    #[test]
    fn narrower_scopes_precede() {
        let scopes = ["LHR", "city:London,GB", "country:GB", "region:EUROPE", "*"];
        let breadths: Vec<u8> = scopes.iter().map(|text| read(text).unwrap().breadth()).collect();
        assert_eq!(breadths, [0, 1, 2, 3, 4]);
    }
}
