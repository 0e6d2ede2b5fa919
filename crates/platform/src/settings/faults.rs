//! What is wrong with the settings, each with its source.
use std::{collections::BTreeMap, fmt::Display, ops::RangeInclusive};

use super::SettingsError;

/// The faults found; only the first fault of a setting counts, because the next may follow from it.
#[derive(Default)]
pub(super) struct Faults {
    list: Vec<(String, String)>,
    pub(super) origins: BTreeMap<String, String>,
}

impl Faults {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// `setting` as `section.key`; `complaint` continues the sentence that begins with it.
    pub(super) fn add(&mut self, setting: &str, complaint: &str) {
        let origin = self.origins.get(setting).map_or("not set", String::as_str);
        let text = format!("{setting} {complaint} ({origin})");
        self.say(setting, text);
    }

    pub(super) fn say(&mut self, about: &str, text: String) {
        if about.is_empty() || !self.list.iter().any(|(known, _)| known == about) {
            self.list.push((about.to_owned(), text));
        }
    }

    pub(super) fn into_error(self) -> SettingsError {
        SettingsError { faults: self.list.into_iter().map(|(_, text)| text).collect() }
    }
}

/// Refuses a value outside a range.
pub(super) fn within<T: Copy + PartialOrd + Display>(
    setting: &str,
    value: T,
    range: RangeInclusive<T>,
    faults: &mut Faults,
) {
    if !range.contains(&value) {
        faults.add(setting, &format!("must be between {} and {}, not {value}", range.start(), range.end()));
    }
}
