//! Finds airports by what people type. Everything is folded once, when the index is built, so that a request walks
//! sorted keys and allocates little.
use std::{
    collections::BTreeMap,
    ops::Bound::{Included, Unbounded},
};

use super::model::Airport;
use crate::kernel::AirportCode;

/// Text without case, diacritics and punctuation: lower-case ASCII words, one space apart. Apostrophes join
/// ("O'Hare" is `ohare`), everything else that is no letter or digit parts.
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

/// Folded keys and the places of the airports that have them.
type Keys = BTreeMap<Box<str>, Vec<usize>>;

/// A *place* is an airport's position when the major ones stand first, by cargo rank, and all others follow by code:
/// the order of answers that match equally well.
#[derive(Debug, Default)]
pub(super) struct SearchIndex {
    codes: Vec<AirportCode>,
    iata: Keys,
    icao: Keys,
    cities: Keys,
    names: Keys,
    words: Keys,
}

impl SearchIndex {
    pub fn new<'a>(airports: impl Iterator<Item = &'a Airport>) -> Self {
        let mut airports: Vec<_> = airports.collect();
        airports.sort_unstable_by_key(|airport| (airport.cargo_rank.unwrap_or(i32::MAX), airport.code));
        let mut index = Self { codes: airports.iter().map(|airport| airport.code).collect(), ..Self::default() };
        for (place, airport) in airports.into_iter().enumerate() {
            let (city, name) = (folded(&airport.city), folded(&airport.name));
            for word in city.split(' ').chain(name.split(' ')) {
                add(&mut index.words, word, place);
            }
            add(&mut index.iata, &folded(airport.code.as_str()), place);
            if let Some(icao) = &airport.icao_code {
                add(&mut index.icao, &folded(icao), place);
            }
            add(&mut index.cities, &city, place);
            add(&mut index.names, &name, place);
        }
        index
    }

    /// Every code, the largest cargo airports first.
    pub fn by_rank(&self) -> &[AirportCode] {
        &self.codes
    }

    /// The airports of a city, the largest first.
    pub fn of_city(&self, name: &str) -> impl Iterator<Item = AirportCode> {
        self.cities.get(folded(name).as_str()).into_iter().flatten().map(|place| self.codes[*place])
    }

    /// What somebody who has typed `text` so far may mean: the exact IATA code, then codes that begin so, then
    /// cities, then names, then airports where each word begins a word of city or name. At most `most`.
    pub fn complete(&self, text: &str, most: usize) -> Vec<AirportCode> {
        let text = folded(text);
        let mut found = Vec::new();
        let mut seen = self.nowhere();
        if text.is_empty() {
            return found;
        }
        let steps: [&dyn Fn() -> Places; 5] = [
            &|| self.exactly(&self.iata, &text),
            &|| self.beginning(&self.iata, &text),
            &|| self.beginning(&self.cities, &text),
            &|| self.beginning(&self.names, &text),
            &|| self.with_words(&text),
        ];
        for step in steps {
            for place in step().iter() {
                if found.len() == most {
                    return found;
                }
                if seen.insert(place) {
                    found.push(self.codes[place]);
                }
            }
        }
        found
    }

    /// All airports that [`Self::complete`] would find with room for all, sorted by code.
    pub fn matching(&self, text: &str) -> Vec<AirportCode> {
        let text = folded(text);
        if text.is_empty() {
            return Vec::new();
        }
        // A city or name that begins with the text has its words too.
        let mut places = self.beginning(&self.iata, &text);
        places.add(&self.with_words(&text));
        let mut codes: Vec<_> = places.iter().map(|place| self.codes[place]).collect();
        codes.sort_unstable();
        codes
    }

    fn nowhere(&self) -> Places {
        Places(vec![0; self.codes.len().div_ceil(64)])
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

    /// Where each word begins a word of city or name, or is the airport's code. An ICAO code counts here only: some
    /// are well-known cities elsewhere (KOBE).
    fn with_words(&self, text: &str) -> Places {
        let mut words: Vec<_> = text.split(' ').collect();
        words.sort_unstable();
        // A word that begins the next one says nothing more. The rest share no key, which bounds the work.
        let needed = words
            .iter()
            .enumerate()
            .filter(|(at, word)| words.get(at + 1).is_none_or(|next| !next.starts_with(**word)));
        let mut everywhere: Option<Places> = None;
        for (_, word) in needed {
            let mut places = self.beginning(&self.words, word);
            places.extend(self.iata.get(*word));
            places.extend(self.icao.get(*word));
            match &mut everywhere {
                None => everywhere = Some(places),
                Some(everywhere) => everywhere.keep(&places),
            }
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

/// A set of places, one bit each: built in any order, read in the order of answers.
#[derive(Debug)]
struct Places(Vec<u64>);

impl Places {
    /// False when it was there already.
    fn insert(&mut self, place: usize) -> bool {
        let (word, bit) = (&mut self.0[place / 64], 1 << (place % 64));
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    fn extend<'a>(&mut self, lists: impl IntoIterator<Item = &'a Vec<usize>>) {
        for place in lists.into_iter().flatten() {
            self.insert(*place);
        }
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine &= theirs);
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let rest = std::iter::successors(Some(*word), |rest| Some(rest & rest.wrapping_sub(1)));
            rest.take_while(|rest| *rest != 0).map(move |rest| at * 64 + rest.trailing_zeros() as usize)
        })
    }
}
