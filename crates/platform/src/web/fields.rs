use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{Display, Formatter, Result as Written},
    sync::Arc,
};

use loadmaster_kernel::{Fault, FaultCode};
use serde_json::{Map, Value};

use super::problem::{InputFault, Problem};

/// Largest number of reported faults: a longer list does not help, and an answer must not be larger than its request.
pub(super) const MOST_FAULTS: usize = 200;
/// Longest client-supplied name that an answer repeats.
const LONGEST_NAME: usize = 64;
/// Longest text of a cell that an answer repeats, in characters.
const LONGEST_VALUE: usize = 100;

/// One value as received: a member of a JSON body, or text from a query, a form or a CSV cell.
#[derive(Debug, Clone, Copy)]
pub enum Raw<'a> {
    Json(&'a Value),
    Text(&'a str),
}

/// The change that a merge patch (RFC 7396) makes to a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// The member is absent.
    #[default]
    Keep,
    /// The member is `null`.
    Clear,
    Set(T),
}

impl<T> Patch<T> {
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Returns the new value, if the patch sets one.
    pub fn set(self) -> Option<T> {
        self.or(None)
    }

    /// Returns the member after the patch; `before` is its current value.
    pub fn or(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// Reads the members of one object and collects all faults, so that the client learns of them at once.
///
/// Reads the value of a member: a reader of single values, as in [`super::read`], or one of the functions of `request`.
pub trait Reader<'a, T> {
    /// Returns `None` when the member is absent or faulty; a fault is recorded in `fields`.
    fn read(self, fields: &mut Fields<'a>, name: &'static str) -> Option<T>;
}

/// A reader requests each member it knows by name; any other member is unknown and a fault. Members that are `null`
/// count as absent.
#[derive(Debug)]
pub struct Fields<'a> {
    place: &'static str,
    prefix: Prefix,
    row: Option<u64>,
    /// Cells of the row as they stand in the table, where they are read in another form.
    written: Vec<(&'a str, &'a str)>,
    members: Members<'a>,
    known: Vec<&'static str>,
    refused: Vec<&'static str>,
    faults: Vec<InputFault>,
}

/// The members of a JSON object, or the texts of a query, a form or a row.
#[derive(Debug)]
enum Members<'a> {
    Object(&'a Map<String, Value>),
    Texts(BTreeMap<&'a str, &'a str>),
}

impl<'a> Members<'a> {
    fn get(&self, name: &str) -> Option<Raw<'a>> {
        match self {
            Self::Object(object) => object.get(name).map(Raw::Json),
            Self::Texts(texts) => texts.get(name).copied().map(Raw::Text),
        }
    }

    /// Returns the first names that are not among the known ones.
    fn unknown(&self, known: &[&str]) -> Vec<&'a str> {
        let is_unknown = |name: &&str| !known.contains(name);
        match self {
            Self::Object(object) => object.keys().map(String::as_str).filter(is_unknown).take(MOST_FAULTS).collect(),
            Self::Texts(texts) => texts.keys().copied().filter(is_unknown).take(MOST_FAULTS).collect(),
        }
    }
}

/// The JSON pointer of an object, which is written only for a fault.
#[derive(Debug, Clone, Default)]
struct Prefix {
    list: Option<Arc<str>>,
    index: Option<usize>,
}

impl Prefix {
    fn of_member(&self, name: &str) -> Self {
        Self { list: Some(format!("{self}/{name}").into()), index: None }
    }

    fn at(&self, index: usize) -> Self {
        Self { index: Some(index), ..self.clone() }
    }
}

impl Display for Prefix {
    fn fmt(&self, text: &mut Formatter<'_>) -> Written {
        text.write_str(self.list.as_deref().unwrap_or_default())?;
        self.index.map_or(Ok(()), |index| write!(text, "/{index}"))
    }
}

impl<'a> Fields<'a> {
    pub fn of_body(object: &'a Map<String, Value>) -> Self {
        Self::of_object(object, Prefix::default())
    }

    /// Reads an object of the array that is the body.
    pub(super) fn of_entry(object: &'a Map<String, Value>, index: usize) -> Self {
        Self::of_object(object, Prefix::default().at(index))
    }

    fn of_object(object: &'a Map<String, Value>, prefix: Prefix) -> Self {
        Self { prefix, ..Self::of("body", Members::Object(object)) }
    }

    /// Reads the parameters of a query; a repeated one is a fault.
    pub fn of_query(pairs: &'a [(String, String)]) -> Self {
        let (mut texts, mut repeated) = (BTreeMap::new(), BTreeSet::new());
        for (name, value) in pairs {
            if texts.insert(name.as_str(), value.as_str()).is_some() {
                repeated.insert(name.as_str());
            }
        }
        let mut fields = Self::of("query", Members::Texts(texts));
        for name in repeated {
            fields.fault(name, &Fault::format("was given more than once"));
        }
        fields
    }

    /// Reads the cells of one data row of a table, the first row being number 1; empty cells are absent.
    pub fn of_row(row: u64, cells: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let cells = cells.filter(|(_, cell)| !cell.trim().is_empty());
        Self { row: Some(row), ..Self::of("body", Members::Texts(cells.collect())) }
    }

    /// Has faults show these cells as they stand in the table.
    #[must_use]
    pub fn written_as(self, written: Vec<(&'a str, &'a str)>) -> Self {
        Self { written, ..self }
    }

    fn of(place: &'static str, members: Members<'a>) -> Self {
        Self {
            place,
            prefix: Prefix::default(),
            row: None,
            written: Vec::new(),
            members,
            // Most objects have no more members: the list does not grow.
            known: Vec::with_capacity(16),
            refused: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Reads a member that may be absent. Returns `None` when it is absent or faulty; records a fault.
    pub fn optional<T>(&mut self, name: &'static str, read: impl Reader<'a, T>) -> Option<T> {
        read.read(self, name)
    }

    /// Reads a member that must be present.
    pub fn required<T>(&mut self, name: &'static str, read: impl Reader<'a, T>) -> Option<T> {
        if self.is_absent(name) {
            self.known.push(name);
            self.missing(name);
            return None;
        }
        read.read(self, name)
    }

    /// Reads a member of a merge patch that `null` clears.
    pub fn patch<T>(&mut self, name: &'static str, read: impl Reader<'a, T>) -> Patch<T> {
        if self.is_null(name) {
            self.known.push(name);
            return Patch::Clear;
        }
        read.read(self, name).map_or(Patch::Keep, Patch::Set)
    }

    /// Reads a member of a merge patch that cannot be cleared.
    pub fn not_null<T>(&mut self, name: &'static str, read: impl Reader<'a, T>) -> Option<T> {
        self.refuse_null(&[name]);
        read.read(self, name)
    }

    /// Records a fault for each of these members that is `null`: a merge patch cannot clear them.
    pub fn refuse_null(&mut self, names: &[&'static str]) {
        for name in names.iter().filter(|name| self.is_null(name)).copied().collect::<Vec<_>>() {
            self.fault(name, &Fault::new(FaultCode::Required, "cannot be cleared"));
        }
    }

    pub(super) fn value<T>(&mut self, name: &'static str, read: impl FnOnce(Raw<'a>) -> Result<T, Fault>) -> Option<T> {
        let raw = self.take(name)?;
        read(raw).map_err(|fault| self.fault(name, &fault)).ok()
    }

    pub(super) fn object<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Fields<'a>) -> Option<T>,
    ) -> Option<T> {
        let raw = self.take(name)?;
        let Raw::Json(Value::Object(object)) = raw else {
            self.fault(name, &Fault::new(FaultCode::WrongType, "must be an object"));
            return None;
        };
        let mut inner = Fields::of_object(object, self.prefix.of_member(name));
        let value = read(&mut inner);
        self.faults.append(&mut inner.finish());
        value
    }

    pub(super) fn objects<T>(
        &mut self,
        name: &'static str,
        most: usize,
        read: impl Fn(&mut Fields<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let raw = self.take(name)?;
        let Raw::Json(Value::Array(items)) = raw else {
            self.fault(name, &Fault::new(FaultCode::WrongType, "must be an array"));
            return None;
        };
        if items.len() > most {
            self.fault(name, &Fault::new(FaultCode::TooLong, format!("must have at most {most} entries")));
            return None;
        }
        let list = self.prefix.of_member(name);
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let Value::Object(object) = item else {
                self.fault_at(name, Some(index), &Fault::new(FaultCode::WrongType, "must be an object"));
                continue;
            };
            let mut inner = Fields::of_object(object, list.at(index));
            values.extend(read(&mut inner));
            let room = MOST_FAULTS.saturating_sub(self.faults.len());
            self.faults.extend(inner.finish().into_iter().take(room));
        }
        Some(values)
    }

    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        most: usize,
        read: impl Fn(Raw<'_>) -> Result<T, Fault>,
    ) -> Option<Vec<T>> {
        let raw = self.take(name)?;
        let texts: Vec<&str>;
        let items: Vec<Raw<'_>> = match raw {
            Raw::Json(Value::Array(values)) => values.iter().map(Raw::Json).collect(),
            Raw::Json(_) => {
                self.fault(name, &Fault::new(FaultCode::WrongType, "must be an array"));
                return None;
            }
            Raw::Text(text) => {
                texts = text.split(',').collect();
                texts.iter().map(|text| Raw::Text(text)).collect()
            }
        };
        if items.len() > most {
            self.fault(name, &Fault::new(FaultCode::TooLong, format!("must have at most {most} entries")));
            return None;
        }
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match read(item) {
                Ok(value) => values.push(value),
                Err(fault) => self.fault_at(name, Some(index), &fault),
            }
        }
        Some(values)
    }

    /// Returns whether the member is absent or `null`.
    pub fn is_absent(&self, name: &str) -> bool {
        matches!(self.members.get(name), None | Some(Raw::Json(Value::Null)))
    }

    /// Returns whether the member is absent, `null` or an empty list.
    pub fn is_empty(&self, name: &str) -> bool {
        let is_empty_list = |raw: Raw<'_>| matches!(raw, Raw::Json(Value::Array(entries)) if entries.is_empty());
        self.is_absent(name) || self.members.get(name).is_some_and(is_empty_list)
    }

    /// Returns whether the member is a JSON object.
    pub fn is_object(&self, name: &str) -> bool {
        matches!(self.members.get(name), Some(Raw::Json(Value::Object(_))))
    }

    fn is_null(&self, name: &str) -> bool {
        matches!(self.members.get(name), Some(Raw::Json(Value::Null)))
    }

    /// Records that a member is missing.
    pub fn missing(&mut self, name: &str) {
        self.fault(name, &Fault::new(FaultCode::Required, "is required"));
    }

    /// Records at the member `name` a fault that results from several members together.
    pub fn fault(&mut self, name: &str, fault: &Fault) {
        self.fault_at(name, None, fault);
    }

    /// Records the fault of a member whose value is not to be read.
    pub fn refuse(&mut self, name: &'static str, fault: &Fault) {
        self.refused.push(name);
        self.fault(name, fault);
    }

    /// Records a fault of one entry of a list.
    pub fn fault_of_entry(&mut self, name: &str, index: usize, fault: &Fault) {
        self.fault_at(name, Some(index), fault);
    }

    /// Records a fault of a member of an entry of a list, which results from several members together.
    pub fn fault_of_member(&mut self, (list, index): (&str, usize), member: &str, fault: &Fault) {
        let of_entry = self.prefix.of_member(list).at(index);
        let prefix = std::mem::replace(&mut self.prefix, of_entry);
        self.fault_at(member, None, fault);
        self.prefix = prefix;
    }

    /// Returns whether these are the parameters of a query.
    pub(super) fn is_of_query(&self) -> bool {
        self.place == "query"
    }

    /// Returns the number of faults so far.
    pub(super) const fn fault_count(&self) -> usize {
        self.faults.len()
    }

    /// Returns whether no fault was found so far.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault_at(&mut self, name: &str, index: Option<usize>, fault: &Fault) {
        if self.faults.len() >= MOST_FAULTS {
            return;
        }
        let written = self.written.iter().find(|(column, _)| *column == name).map(|(_, text)| Raw::Text(text));
        let raw = written.or_else(|| self.members.get(name)).filter(|_| self.row.is_some());
        let value = raw.map(|raw| match raw {
            Raw::Text(text) => text.chars().take(LONGEST_VALUE).collect(),
            Raw::Json(value) => value.to_string(),
        });
        let name: String = name.chars().take(LONGEST_NAME).collect();
        let column = self.row.map(|_| name.clone());
        let mut pointer = format!("{}/{}", self.prefix, name.replace('~', "~0").replace('/', "~1"));
        let mut dotted = self.prefix.to_string().trim_start_matches('/').replace('/', ".");
        dotted.push_str(if dotted.is_empty() { "" } else { "." });
        dotted.extend(name.chars().filter(|c| !c.is_control()));
        if let Some(index) = index {
            pointer = format!("{pointer}/{index}");
            dotted = format!("{dotted}[{index}]");
        }
        let row = self.row.map(|row| format!(" in row {row}")).unwrap_or_default();
        let is_body = self.place == "body";
        self.faults.push(InputFault {
            place: self.place,
            pointer: is_body.then_some(pointer),
            name: (!is_body).then_some(name),
            code: fault.code.as_str(),
            message: format!("`{dotted}`{row} {}.", fault.message),
            row: self.row,
            column,
            value,
        });
    }

    fn take(&mut self, name: &'static str) -> Option<Raw<'a>> {
        self.known.push(name);
        if self.is_absent(name) || self.refused.contains(&name) { None } else { self.members.get(name) }
    }

    /// Returns all faults, including those of unknown members.
    pub fn finish(mut self) -> Vec<InputFault> {
        for name in self.members.unknown(&self.known) {
            let fault = match self.place {
                "query" => Fault::new(FaultCode::UnknownField, "is not a parameter of this operation"),
                _ => Fault::new(FaultCode::UnknownField, "is not a member of this object"),
            };
            self.fault(name, &fault);
        }
        self.faults
    }

    /// Returns the value if there is no fault; otherwise the problem that names all faults.
    pub fn conclude<T>(self, value: Option<T>) -> Result<T, Problem> {
        let faults = self.finish();
        match value {
            _ if !faults.is_empty() => Err(Problem::validation(&faults)),
            Some(value) => Ok(value),
            None => Err(Problem::internal(&"a reader gave neither a value nor a fault")),
        }
    }
}
