//! The strings that the cells of a workbook share.
use super::parts::{CellText, Part, Step, attribute};

/// Most bytes of all strings with their places.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// All strings in one text. How many there are is counted: the numbers that the part states reserve nothing, and are refused
/// if there cannot be as many bytes.
#[derive(Default)]
pub(super) struct SharedStrings {
    text: String,
    ends: Vec<usize>,
}

impl SharedStrings {
    pub fn read(mut part: Part<'_>) -> Result<Self, String> {
        let (mut all, mut string, most) = (Self::default(), CellText::default(), part.left());
        loop {
            match part.next()? {
                Step::Open(element) if element.local_name().as_ref() == "si" => {}
                Step::Open(element) if element.local_name().as_ref() == "sst" => {
                    let mut stated = ["count", "uniqueCount"].iter().filter_map(|name| attribute(&element, name));
                    if stated.any(|number| number.trim().parse().map_or(true, |number: u64| number > most)) {
                        return Err("The workbook states more strings than it can have.".to_owned());
                    }
                    continue;
                }
                Step::Open(_) | Step::Close(_) | Step::Text(_) => continue,
                Step::End => return Ok(all),
            }
            part.string(&mut string)?;
            all.text.push_str(&string.value);
            all.ends.push(all.text.len());
            if all.bytes() > MOST_BYTES {
                return Err(format!("The workbook has more than {} MiB of strings.", MOST_BYTES / 1024 / 1024));
            }
        }
    }

    /// Returns the string of a number, as the number is written.
    pub fn get(&self, number: &str) -> Option<&str> {
        let number: usize = number.parse().ok()?;
        let begin = number.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(begin..*self.ends.get(number)?)
    }

    pub const fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<usize>()
    }
}
