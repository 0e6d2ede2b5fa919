//! The parts of a workbook: XML in an archive, read as a stream within bounds.
use std::{
    borrow::Cow,
    fmt::Display,
    io::{self, BufRead, BufReader, Cursor, Read},
};

use quick_xml::{
    Reader,
    escape::resolve_predefined_entity,
    events::{BytesEnd, BytesRef, BytesStart, Event},
};
use zip::ZipArchive;

use super::super::rows::LONGEST_CELL;

/// Most bytes of one tag, text or comment.
const LONGEST_ELEMENT: usize = 256 * 1024;
/// Most elements within each other.
const DEEPEST: usize = 64;
/// The end of an archive: its record, with the longest comment, and what points to a record of 64 bits.
const LONGEST_END: usize = 66 * 1024;

/// Most entries of an archive: workbooks have some tens, and space for as many as it claims is made before they are read.
const MOST_ENTRIES: u64 = 10_000;
/// Length of the record that counts entries with 16 bits: their number is at 8.
const RECORD_OF_16: usize = 22;
/// Length of what stands before that record and points to one of 64 bits.
const POINTER_TO_64: usize = 20;
/// Length of the record that counts entries with 64 bits: their number is at 32, the size of their directory at 40, its place at 48.
const RECORD_OF_64: usize = 56;

/// A workbook, and the number of bytes that may still be unpacked.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    left: u64,
}

impl<'a> Archive<'a> {
    pub fn open(bytes: &'a [u8], most: u64) -> Result<Self, String> {
        if !are_claims_possible(bytes) {
            return Err(unreadable(format_args!(
                "it claims to have more than {MOST_ENTRIES} entries, or than fit into it"
            )));
        }
        Ok(Self { zip: ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?, left: most })
    }

    /// Opens a part, of which at most `most` bytes are read.
    pub fn part(&mut self, name: &str, most: u64) -> Result<Part<'_>, String> {
        let is_same = |file: &str| file.replace('\\', "/").trim_start_matches('/').eq_ignore_ascii_case(name);
        let at = self.zip.file_names().position(|file| file.is_ok_and(|file| is_same(&file)));
        let at = at.ok_or_else(|| unreadable("it lacks one of its parts"))?;
        let Self { zip, left } = self;
        let inner: Box<dyn Read> = Box::new(zip.by_index(at).map_err(unreadable)?.take(most));
        let inner = BufReader::new(inner);
        let mut xml = Reader::from_reader(Bounded { inner, left, element: 0 });
        xml.config_mut().expand_empty_elements = true;
        Ok(Part { xml, buffer: Vec::new(), depth: 0 })
    }
}

/// Returns whether each record that may be the end of the archive claims as few entries as a workbook may have, and their directory
/// within the archive.
fn are_claims_possible(bytes: &[u8]) -> bool {
    let end = bytes.len().saturating_sub(LONGEST_END);
    let pointers: Vec<usize> = places_of(b"PK\x06\x07", &bytes[end..]).map(|place| end + place).collect();
    let mut short = places_of(b"PK\x05\x06", &bytes[end..]).map(|place| end + place);
    let is_short_possible = short.all(|place| {
        let Some(record) = bytes.get(place..place + RECORD_OF_16) else { return true };
        let entries = u16::from_le_bytes([record[8], record[9]]);
        // The number of the record of 64 bits counts instead.
        let is_long = entries == u16::MAX && pointers.iter().any(|pointer| pointer + POINTER_TO_64 == place);
        is_long || u64::from(entries) <= MOST_ENTRIES
    });
    let length = bytes.len() as u64;
    is_short_possible
        && (pointers.is_empty()
            || places_of(b"PK\x06\x06", bytes).filter_map(|place| bytes.get(place..place + RECORD_OF_64)).all(
                |record| {
                    let mut numbers =
                        record[32..].chunks_exact(8).flat_map(|number| number.try_into().map(u64::from_le_bytes));
                    numbers.next().is_some_and(|entries| entries <= MOST_ENTRIES)
                        && numbers.all(|number| number <= length)
                },
            ))
}

fn places_of<'b>(signature: &'b [u8; 4], bytes: &'b [u8]) -> impl Iterator<Item = usize> + 'b {
    bytes.windows(4).enumerate().filter(move |(_, found)| *found == signature).map(|(place, _)| place)
}

/// An XML document.
pub(super) struct Part<'a> {
    xml: Reader<Bounded<'a>>,
    buffer: Vec<u8>,
    depth: usize,
}

/// What comes next in a document.
pub(super) enum Step<'a> {
    Open(BytesStart<'a>),
    Close(BytesEnd<'a>),
    Text(Cow<'a, str>),
    End,
}

impl Part<'_> {
    /// Returns how many bytes may still be unpacked.
    pub fn left(&self) -> u64 {
        *self.xml.get_ref().left
    }

    pub fn next(&mut self) -> Result<Step<'_>, String> {
        self.buffer.clear();
        self.xml.get_mut().element = LONGEST_ELEMENT;
        let event = self.xml.read_event_into(&mut self.buffer);
        match event.map_err(fault)? {
            Event::Start(element) => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(unreadable(format_args!("it has more than {DEEPEST} elements within each other")));
                }
                Ok(Step::Open(element))
            }
            Event::End(element) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(Step::Close(element))
            }
            Event::Text(text) => Ok(Step::Text(text.xml10_content())),
            Event::CData(text) => Ok(Step::Text(text.xml10_content())),
            Event::GeneralRef(reference) => Ok(Step::Text(resolved(&reference)?)),
            Event::Eof if self.depth > 0 => Err(unreadable("one of its parts ends too early")),
            Event::Eof => Ok(Step::End),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {
                Ok(Step::Text(Cow::Borrowed("")))
            }
        }
    }

    /// Reads a value: the text of the element that was just opened.
    pub fn value(&mut self, text: &mut CellText) -> Result<(), String> {
        self.text(text, true)?;
        text.value = unescaped(&text.value).into_owned();
        Ok(())
    }

    /// Reads a string: the texts in the element that was just opened, without the hints at their pronunciation.
    pub fn string(&mut self, text: &mut CellText) -> Result<(), String> {
        let has_blanks = self.text(text, false)?;
        text.value = unescaped(if has_blanks { &text.value } else { text.value.trim_ascii() }).into_owned();
        Ok(())
    }

    /// Returns whether blanks at the ends of the text belong to it.
    fn text(&mut self, text: &mut CellText, mut is_text: bool) -> Result<bool, String> {
        let (outer, mut is_hint, mut has_blanks) = (self.depth, false, false);
        text.clear();
        while self.depth >= outer {
            match self.next()? {
                Step::Open(element) => match element.local_name().as_ref() {
                    "t" => {
                        is_text = true;
                        has_blanks |= attribute(&element, "space").is_some_and(|space| space == "preserve");
                    }
                    "rPh" => is_hint = true,
                    _ => {}
                },
                Step::Close(element) => match element.local_name().as_ref() {
                    "t" => is_text = false,
                    "rPh" => is_hint = false,
                    _ => {}
                },
                Step::Text(more) if is_text && !is_hint => text.push(&more)?,
                Step::Text(_) | Step::End => {}
            }
        }
        Ok(has_blanks)
    }
}

/// The text of a cell, whose length is checked before it is copied.
#[derive(Default)]
pub(super) struct CellText {
    pub value: String,
    characters: usize,
}

impl CellText {
    pub fn clear(&mut self) {
        self.value.clear();
        self.characters = 0;
    }

    fn push(&mut self, more: &str) -> Result<(), String> {
        self.characters += more.chars().count();
        if self.characters > LONGEST_CELL {
            return Err(format!("A cell of the workbook has more than {LONGEST_CELL} characters."));
        }
        self.value.push_str(more);
        Ok(())
    }
}

/// Passes on bytes of a part as long as there are not too many for one element or for the workbook.
struct Bounded<'a> {
    inner: BufReader<Box<dyn Read + 'a>>,
    left: &'a mut u64,
    element: usize,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Bounded<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.element == 0 {
            return Err(io::Error::other(format!("an element has more than {} KiB", LONGEST_ELEMENT / 1024)));
        }
        if *self.left == 0 {
            return Err(io::Error::other("it is too large unpacked"));
        }
        let most = self.element.min(usize::try_from(*self.left).unwrap_or(usize::MAX));
        let bytes = self.inner.fill_buf()?;
        Ok(&bytes[..bytes.len().min(most)])
    }

    fn consume(&mut self, read: usize) {
        self.inner.consume(read);
        self.element = self.element.saturating_sub(read);
        *self.left = self.left.saturating_sub(read as u64);
    }
}

fn fault(error: quick_xml::Error) -> String {
    match error {
        quick_xml::Error::Io(error) => unreadable(error),
        error => unreadable(error),
    }
}

fn unreadable(error: impl Display) -> String {
    format!("The workbook cannot be read: {error}.")
}

/// Returns the value of an attribute as it is written. Namespaces are not looked at.
pub(super) fn attribute<'e>(element: &'e BytesStart<'_>, name: &str) -> Option<Cow<'e, str>> {
    let mut attributes = element.attributes();
    attributes.with_checks(false).flatten().find(|it| it.key.local_name().as_ref() == name).map(|it| it.value)
}

/// Returns the text that a reference such as `&lt;` or `&#10;` stands for. Documents cannot define references of their own.
fn resolved(reference: &BytesRef<'_>) -> Result<Cow<'static, str>, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(unreadable)? {
        return Ok(character.to_string().into());
    }
    let text = resolve_predefined_entity(reference).ok_or_else(|| unreadable("it has an unknown reference"))?;
    Ok(text.into())
}

/// Decodes `_xHHHH_`, which workbooks write for characters that XML cannot have (ECMA-376 part 1, 22.9.2.19).
fn unescaped(mut text: &str) -> Cow<'_, str> {
    let mut plain = String::new();
    while let Some(at) = text.find("_x") {
        let code = text.get(at + 2..at + 7).and_then(|code| code.strip_suffix('_'));
        let code = code.filter(|code| code.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = code.and_then(|code| u32::from_str_radix(code, 16).ok());
        plain.push_str(&text[..at]);
        let Some(code) = code else {
            plain.push_str("_x");
            text = &text[at + 2..];
            continue;
        };
        plain.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        text = &text[at + 7..];
    }
    if plain.is_empty() { text.into() } else { (plain + text).into() }
}
