//! Where the parts of a workbook are, as its relationships describe it (ECMA-376 part 2).
use std::collections::BTreeMap;

use quick_xml::escape::unescape;

use super::parts::{Archive, Step, attribute};

/// Most bytes of a part that lists others.
const LONGEST_LIST: u64 = 1024 * 1024;

/// The names of the parts that are read.
pub(super) struct Layout {
    /// The first worksheet.
    pub sheet: String,
    pub shared_strings: Option<String>,
    pub styles: Option<String>,
    /// Days are counted from 1904.
    pub is_1904: bool,
}

struct Relationship {
    /// The last word of its type.
    kind: String,
    target: String,
}

impl Layout {
    pub fn find(archive: &mut Archive<'_>) -> Result<Self, String> {
        let package = relationships(archive, "")?;
        let workbook = target(&package, "officeDocument").ok_or("The file is not a workbook.")?;
        let related = relationships(archive, &workbook)?;
        let mut part = archive.part(&workbook, LONGEST_LIST)?;
        let mut is_1904 = false;
        loop {
            match part.next()? {
                Step::Open(element) if element.local_name().as_ref() == "workbookPr" => {
                    is_1904 = attribute(&element, "date1904").is_some_and(|value| value == "1" || value == "true");
                }
                Step::Open(element) if element.local_name().as_ref() == "sheet" => {
                    let sheet = attribute(&element, "id").and_then(|id| related.get(id.as_ref()));
                    let Some(sheet) = sheet.filter(|sheet| sheet.kind == "worksheet") else { continue };
                    return Ok(Self {
                        sheet: sheet.target.clone(),
                        shared_strings: target(&related, "sharedStrings"),
                        styles: target(&related, "styles"),
                        is_1904,
                    });
                }
                Step::Open(_) | Step::Close(_) | Step::Text(_) => {}
                Step::End => return Err("The workbook has no sheet.".to_owned()),
            }
        }
    }
}

fn target(relationships: &BTreeMap<String, Relationship>, kind: &str) -> Option<String> {
    relationships.values().find(|it| it.kind == kind).map(|it| it.target.clone())
}

/// Returns the relationships of a part by their ids.
fn relationships(archive: &mut Archive<'_>, of: &str) -> Result<BTreeMap<String, Relationship>, String> {
    let (folder, name) = of.rsplit_once('/').map_or(("", of), |(folder, name)| (folder, name));
    let list = path(folder, &format!("_rels/{name}.rels"));
    let (mut part, mut found) = (archive.part(&list, LONGEST_LIST)?, BTreeMap::new());
    loop {
        match part.next()? {
            Step::Open(element) => {
                let text = |name| attribute(&element, name).and_then(|raw| Some(unescape(&raw).ok()?.into_owned()));
                if let (Some(id), Some(kind), Some(target)) = (text("Id"), text("Type"), text("Target")) {
                    let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                    found.insert(id, Relationship { kind, target: path(folder, &target) });
                }
            }
            Step::Close(_) | Step::Text(_) => {}
            Step::End => return Ok(found),
        }
    }
}

/// Returns the name of the part that a relationship of a part in `folder` names.
fn path(folder: &str, target: &str) -> String {
    let folder = if target.starts_with('/') { "" } else { folder };
    let mut steps = Vec::new();
    for step in folder.split('/').chain(target.split('/')) {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.join("/")
}
