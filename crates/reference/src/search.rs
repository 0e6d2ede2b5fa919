//! Finds airports by typed text. Everything is folded once, when the index is built, so that a request walks sorted
//! keys and allocates little.
use std::{
    collections::BTreeMap,
    ops::Bound::{Included, Unbounded},
};

use loadmaster_kernel::AirportCode;

use super::{
    model::{Airport, Catalogue},
    place_set::Places,
};

/// Returns text without case, diacritics and punctuation: lower-case ASCII words, one space apart. Apostrophes join
/// words ("O'Hare" is `ohare`), every other character that is no letter or digit separates them.
pub(super) fn folded(text: &str) -> String {
    let ascii = deunicode::deunicode_with_tofu(text, " ");
    let mut folded = String::with_capacity(ascii.len());
    for c in ascii.chars().filter(|c| !matches!(c, '\'' | '`')) {
        if c.is_ascii_alphanumeric() {
            folded.push(c.to_ascii_lowercase());
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// Folded keys and the places of their airports.
type Keys = BTreeMap<Box<str>, Vec<usize>>;

/// An airport that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub code: AirportCode,
    /// The code of the city, or the other name, by which it was found; `None`: by its own code, city or name.
    pub matched: Option<String>,
}

/// A *place* is an airport's position in a list with the major airports first, by cargo rank, and all others after them
/// by code: the order of answers that match equally well.
#[derive(Debug, Default)]
pub(super) struct SearchIndex {
    codes: Vec<AirportCode>,
    iata: Keys,
    icao: Keys,
    cities: Keys,
    names: Keys,
    words: Keys,
    /// The codes of cities.
    city_codes: Keys,
    /// Local and former names of cities, with their spelling.
    other_names: BTreeMap<Box<str>, (Box<str>, Vec<usize>)>,
}

impl SearchIndex {
    pub fn new(catalogue: &Catalogue) -> Self {
        let mut airports: Vec<&Airport> = catalogue.airports.values().map(AsRef::as_ref).collect();
        airports.sort_unstable_by_key(|airport| (airport.cargo_rank.unwrap_or(i32::MAX), airport.code));
        let mut index = Self { codes: airports.iter().map(|airport| airport.code).collect(), ..Self::default() };
        for (place, airport) in airports.iter().enumerate() {
            let (city, name) = (folded(&airport.city), folded(&airport.name));
            for word in city.split(' ').chain(name.split(' ')) {
                add(&mut index.words, word, place);
            }
            add(&mut index.iata, &folded(airport.code.as_str()), place);
            if let Some(icao) = &airport.icao_code {
                add(&mut index.icao, &folded(icao), place);
            }
            if let Some(city_code) = &airport.city_code {
                add(&mut index.city_codes, &folded(city_code.as_str()), place);
            }
            add(&mut index.cities, &city, place);
            add(&mut index.names, &name, place);
        }
        index.add_other_names(catalogue, &airports);
        index
    }

    fn add_other_names(&mut self, catalogue: &Catalogue, airports: &[&Airport]) {
        for other in &catalogue.place_names {
            let of_city = self.cities.get(folded(&other.city).as_str()).into_iter().flatten();
            let places = of_city.filter(|place| airports[**place].country_code == other.country_code);
            let key = folded(&other.name).into_boxed_str();
            let entry = self.other_names.entry(key).or_insert_with(|| (other.name.as_str().into(), Vec::new()));
            entry.1.extend(places);
        }
    }

    /// Returns every code, the largest cargo airports first.
    pub fn by_rank(&self) -> &[AirportCode] {
        &self.codes
    }

    /// Returns the airports of a city, the largest first.
    pub fn of_city(&self, name: &str) -> impl Iterator<Item = AirportCode> {
        self.cities.get(folded(name).as_str()).into_iter().flatten().map(|place| self.codes[*place])
    }

    /// Returns the airports that partly typed `text` may mean: the exact IATA code, then those of the city with exactly this code,
    /// then codes that begin with it, then cities with this name, then cities by all their names, then names, then airports where each word begins a word of
    /// city or name. At most `most` of those that are `wanted`.
    pub fn complete(&self, text: &str, most: usize, wanted: impl Fn(AirportCode) -> bool) -> Vec<Found> {
        let text = folded(text);
        let mut found = Vec::new();
        let mut seen = self.nowhere();
        if text.is_empty() {
            return found;
        }
        let (of_city, otherwise) = (self.exactly(&self.city_codes, &text), self.with_other_name(&text));
        let is_named = !(of_city.is_empty() && otherwise.is_empty());
        let own = if is_named { self.own(&text) } else { self.nowhere() };
        let matched = |place: usize| match (is_named && !own.has(place), of_city.has(place)) {
            (false, _) => None,
            (true, true) => Some(text.to_ascii_uppercase()),
            (true, false) => self.other_name(&text, place),
        };
        let steps: [&dyn Fn() -> Places; 7] = [
            &|| self.exactly(&self.iata, &text),
            &|| self.exactly(&self.city_codes, &text),
            &|| self.beginning(&self.iata, &text),
            &|| {
                let mut places = self.exactly(&self.cities, &text);
                places.extend(self.other_names.get(text.as_str()).map(|(_, places)| places));
                places
            },
            &|| {
                let mut places = self.beginning(&self.cities, &text);
                places.add(&otherwise);
                places
            },
            &|| self.beginning(&self.names, &text),
            &|| self.with_words(&text),
        ];
        for step in steps {
            for place in step().iter() {
                if found.len() == most {
                    return found;
                }
                if seen.insert(place) && wanted(self.codes[place]) {
                    found.push(Found { code: self.codes[place], matched: matched(place) });
                }
            }
        }
        found
    }

    /// Returns all airports that [`Self::complete`] would find without a maximum, sorted by code.
    pub fn matching(&self, text: &str) -> Vec<AirportCode> {
        let text = folded(text);
        if text.is_empty() {
            return Vec::new();
        }
        let mut places = self.own(&text);
        places.add(&self.exactly(&self.city_codes, &text));
        places.add(&self.with_other_name(&text));
        let mut codes: Vec<_> = places.iter().map(|place| self.codes[place]).collect();
        codes.sort_unstable();
        codes
    }

    /// Returns the airports that are found by their own codes, city or name.
    fn own(&self, text: &str) -> Places {
        // A city or name that begins with the text also contains its words.
        let mut places = self.beginning(&self.iata, text);
        places.add(&self.with_words(text));
        places
    }

    /// Returns the other names that begin with `text`, with their airports.
    fn other_names<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a (Box<str>, Vec<usize>)> {
        let range = self.other_names.range::<str, _>((Included(text), Unbounded));
        range.take_while(move |(key, _)| key.starts_with(text)).map(|(_, other)| other)
    }

    fn with_other_name(&self, text: &str) -> Places {
        let mut places = self.nowhere();
        places.extend(self.other_names(text).map(|(_, places)| places));
        places
    }

    fn other_name(&self, text: &str, place: usize) -> Option<String> {
        self.other_names(text).find(|(_, places)| places.contains(&place)).map(|(name, _)| String::from(&**name))
    }

    fn nowhere(&self) -> Places {
        Places::none_of(self.codes.len())
    }

    fn exactly(&self, keys: &Keys, key: &str) -> Places {
        let mut places = self.nowhere();
        places.extend(keys.get(key));
        places
    }

    fn beginning(&self, keys: &Keys, prefix: &str) -> Places {
        let mut places = self.nowhere();
        let range = keys.range::<str, _>((Included(prefix), Unbounded));
        places.extend(range.take_while(|(key, _)| key.starts_with(prefix)).map(|(_, places)| places));
        places
    }

    /// Returns the airports where each word begins a word of city or name, or is the airport's code. An ICAO code
    /// counts only here: some are well-known cities elsewhere (KOBE).
    fn with_words(&self, text: &str) -> Places {
        let mut words: Vec<_> = text.split(' ').collect();
        words.sort_unstable();
        // A word that begins the next one adds nothing. The rest share no key, which bounds the work.
        let needed = words
            .iter()
            .enumerate()
            .filter(|(at, word)| words.get(at + 1).is_none_or(|next| !next.starts_with(**word)));
        let mut everywhere: Option<Places> = None;
        for (_, word) in needed {
            let mut places = self.beginning(&self.words, word);
            places.extend(self.iata.get(*word));
            places.extend(self.icao.get(*word));
            if let Some(everywhere) = &everywhere {
                places.keep(everywhere);
            }
            if places.is_empty() {
                return places;
            }
            everywhere = Some(places);
        }
        everywhere.unwrap_or_else(|| self.nowhere())
    }
}

fn add(keys: &mut Keys, key: &str, place: usize) {
    match keys.get_mut(key) {
        Some(places) if places.last() == Some(&place) => {}
        Some(places) => places.push(place),
        None => {
            keys.insert(key.into(), vec![place]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::seed, *};

    fn index() -> SearchIndex {
        SearchIndex::new(&seed::bundled().unwrap())
    }

    fn complete(index: &SearchIndex, text: &str) -> Vec<String> {
        index.complete(text, 20, |_| true).iter().map(|found| found.code.to_string()).collect()
    }

    /// Returns what was found with the names by which it was.
    fn matched(index: &SearchIndex, text: &str) -> Vec<(String, Option<String>)> {
        let found = index.complete(text, 20, |_| true);
        found.into_iter().map(|found| (found.code.to_string(), found.matched)).collect()
    }

    #[test]
    fn case_diacritics_and_punctuation_fold_away() {
        for (text, expected) in [
            ("São Paulo/Guarulhos", "sao paulo guarulhos"),
            ("Sa\u{303}o Paulo", "sao paulo"),
            ("  ZÜRICH ", "zurich"),
            ("O'Hare (Chicago)", "ohare chicago"),
            ("St. John\u{2019}s", "st johns"),
            ("Łódź – Svolvær", "lodz svolvaer"),
            ("!?", ""),
        ] {
            assert_eq!(folded(text), expected, "{text}");
        }
    }

    #[test]
    fn an_exact_code_comes_first() {
        let index = index();
        for text in ["DEL", "del", " Del "] {
            assert_eq!(complete(&index, text)[0], "DEL", "{text}");
        }
        assert_eq!(complete(&index, "JFK"), ["JFK"]);
        assert_eq!(complete(&index, "EGLL"), ["LHR"]);
    }

    #[test]
    fn codes_come_before_cities_before_names_before_words() {
        let index = index();
        let found = complete(&index, "x");
        assert_eq!(found.len(), 20);
        assert!(found.iter().all(|code| code.starts_with('X')), "{found:?}");
        assert_eq!(found[0], "XIY", "the only major one");

        // MUN is a code, Munich and Muncie are cities.
        let found = complete(&index, "mun");
        assert_eq!(found[..2], ["MUN", "MUC"], "{found:?}");
        // KOBE is the ICAO code of an airfield in Florida.
        let found = complete(&index, "kobe");
        // København, which it begins, has the larger airport.
        assert_eq!(found[..2], ["UKB", "CPH"], "{found:?}");
        assert_eq!(found.last().unwrap(), "OBE", "{found:?}");
        // A word inside a name.
        assert_eq!(complete(&index, "heathrow"), ["LHR"]);
        assert_eq!(complete(&index, "ohare"), ["ORD"]);
    }

    #[test]
    fn cities_are_found_with_and_without_diacritics() {
        let index = index();
        for text in ["são p", "sao p", "SÃO PAULO", "sao paulo"] {
            assert_eq!(complete(&index, text)[..2], ["GRU", "CGH"], "{text}");
        }
        for text in ["zurich", "Zürich", "ZÜRI"] {
            assert_eq!(complete(&index, text)[0], "ZRH", "{text}");
        }
        assert_eq!(complete(&index, "new y"), ["JFK", "ISP", "LGA", "NYS", "SWF"]);
    }

    #[test]
    fn a_city_code_finds_the_airports_of_the_city_after_that_of_the_same_code() {
        let index = index();
        assert_eq!(complete(&index, "LON")[..6], ["LHR", "STN", "LGW", "LCY", "LTN", "SEN"]);
        assert_eq!(complete(&index, "nyc"), ["JFK", "EWR", "LGA"]);
        assert_eq!(complete(&index, "sao")[..3], ["GRU", "VCP", "CGH"]);
        // Both a city and one of its airports.
        assert_eq!(complete(&index, "sha")[..2], ["SHA", "PVG"]);
        let named = |code: &str, name: Option<&str>| (code.to_owned(), name.map(str::to_owned));
        assert_eq!(matched(&index, "nyc")[..2], [named("JFK", Some("NYC")), named("EWR", Some("NYC"))]);
        let sao = [named("GRU", None), named("VCP", Some("SAO")), named("CGH", None)];
        assert_eq!(matched(&index, "sao")[..3], sao, "two are found by the name of their city, too");
        assert_eq!(matched(&index, "sha")[..2], [named("SHA", None), named("PVG", None)], "both lie in Shanghai");
    }

    #[test]
    fn local_and_former_names_find_the_airports_of_their_city() {
        let index = index();
        for (text, code, name) in [
            ("München", "MUC", "München"),
            ("munchen", "MUC", "München"),
            ("MÜNCH", "MUC", "München"),
            ("Muenchen", "MUC", "Muenchen"),
            ("Wien", "VIE", "Wien"),
            ("bangalore", "BLR", "Bangalore"),
            ("Kiev", "KBP", "Kiev"),
            ("bombay", "BOM", "Bombay"),
            ("peking", "PEK", "Peking"),
            ("ho chi", "SGN", ""),
            ("Sài Gòn", "SGN", "Sài Gòn"),
        ] {
            let found = matched(&index, text);
            let (_, matched) = found.iter().find(|(found, _)| found == code).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(matched.as_deref().unwrap_or_default(), name, "{text}");
        }
        assert_eq!(complete(&index, "wien")[0], "VIE", "before a name with that word");
        assert_eq!(complete(&index, "roma")[0], "FCO", "before smaller airports of the name");
    }

    #[test]
    fn each_word_may_stand_anywhere() {
        let index = index();
        assert_eq!(complete(&index, "ken joh new"), ["JFK"]);
        assert_eq!(complete(&index, "london lhr"), ["LHR"]);
        assert_eq!(complete(&index, "paulo sao guarulhos"), ["GRU"]);
        // A word that is the beginning of another one is matched by the same word.
        assert_eq!(complete(&index, "heath h heathrow"), ["LHR"]);
    }

    #[test]
    fn nonsense_finds_nothing_and_no_list_exceeds_its_limit() {
        let index = index();
        for text in ["qqqqq", "del nonsense", "!!!", "", "delx"] {
            assert!(complete(&index, text).is_empty(), "{text}");
        }
        for text in ["airport", "a", "san", "international airport", "a b"] {
            let mut found = complete(&index, text);
            assert_eq!(found.len(), 20, "{text}");
            found.sort();
            found.dedup();
            assert_eq!(found.len(), 20, "{text} finds none twice");
        }
    }

    #[test]
    fn autocomplete_without_a_limit_finds_what_the_filter_finds() {
        let index = index();
        for text in ["x", "sao", "new y", "del", "KOBE", "a a ai air airp", "saint", "qqqqq", "lon", "wien", "roma"] {
            let matching = index.matching(text);
            assert!(matching.is_sorted());
            let completed = index.complete(text, usize::MAX, |_| true);
            let mut completed: Vec<_> = completed.into_iter().map(|found| found.code).collect();
            completed.sort_unstable();
            assert_eq!(completed, matching, "{text}");
        }
    }

    #[test]
    fn a_city_is_the_whole_name() {
        let index = index();
        let city = |name: &str| index.of_city(name).map(|code| code.to_string()).collect::<Vec<_>>();
        assert_eq!(city("SAO PAULO"), ["GRU", "CGH"]);
        assert_eq!(city("new york"), ["JFK", "ISP", "LGA", "NYS", "SWF"]);
        assert!(city("new yor").is_empty());
        assert!(city("").is_empty());
    }

    #[test]
    fn hard_questions_are_answered_in_a_moment_too() {
        let index = index();
        for text in ["a", "airport", "international airport", "a b c d e f g h i j k l m n o p q r s t u v w x y z"] {
            let mut times: Vec<_> = (0..101)
                .map(|_| {
                    let began = std::time::Instant::now();
                    assert!(index.complete(text, 20, |_| true).len() <= 20);
                    began.elapsed()
                })
                .collect();
            times.sort_unstable();
            // The median, and only where times are measured: other load on this machine is not the index's fault.
            let is_measured = std::env::var_os("LOADMASTER_TEST_LONG").is_some_and(|value| !value.is_empty());
            assert!(!is_measured || times[50].as_micros() < 2_000, "{text}: {:?}", times[50]);
        }
    }
}
