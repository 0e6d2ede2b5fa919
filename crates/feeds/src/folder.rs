//! Files in folders: which are complete, how they are read, and where they go.
use std::{
    ffi::OsString,
    fs::Metadata,
    io::{self, Read},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use loadmaster_kernel::FeedRunId;
use tokio::{
    fs::{self, DirEntry},
    task::spawn_blocking,
};

/// Most bytes of a file, as it comes and once it is unpacked.
pub(super) const LARGEST: usize = 256 * 1024 * 1024;
/// A file in a folder is read once it has not been changed for this long.
const SETTLED: Duration = Duration::from_secs(10);

/// What distinguishes a file from another one of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Stamp {
    /// When it was changed last, in nanoseconds since 1970.
    pub changed: i64,
    pub length: i64,
}

impl Stamp {
    fn of(about: &Metadata) -> Option<Self> {
        let changed = match about.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).ok()?,
            Err(before) => -i64::try_from(before.duration().as_nanos()).ok()?,
        };
        Some(Self { changed, length: i64::try_from(about.len()).ok()? })
    }
}

/// The bytes of a file's name, and what distinguishes it from another one of that name.
pub(super) type FileKey = (Vec<u8>, Stamp);

/// A file of a folder, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    name: OsString,
    stamp: Stamp,
}

impl Entry {
    pub(super) fn new(name: impl Into<OsString>, stamp: Stamp) -> Self {
        Self { name: name.into(), stamp }
    }

    /// Returns a file that has not been changed for a while. Others are left alone: directories, links, and names that begin with a
    /// dot.
    pub(super) async fn complete(found: &DirEntry) -> Option<Self> {
        let about = found.metadata().await.ok()?;
        let (name, modified) = (found.file_name(), about.modified().ok()?);
        // The file system's clock, and no other, says how old a file is.
        let is_complete = modified.elapsed().is_ok_and(|age| age >= SETTLED);
        let is_wanted = about.is_file() && is_complete && !name.as_encoded_bytes().starts_with(b".");
        Stamp::of(&about).filter(|_| is_wanted).map(|stamp| Self { name, stamp })
    }

    /// Its name as it is shown.
    pub(super) fn shown(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }

    pub(super) const fn stamp(&self) -> Stamp {
        self.stamp
    }

    pub(super) fn key(&self) -> FileKey {
        (self.name.as_encoded_bytes().to_vec(), self.stamp)
    }

    /// The oldest is the first.
    pub(super) fn order(&self) -> impl Ord {
        (self.stamp, &self.name)
    }

    /// Returns whether it is still the file that was found.
    pub(super) async fn is_in(&self, directory: &Path) -> bool {
        let Ok(about) = fs::symlink_metadata(directory.join(&self.name)).await else { return false };
        Stamp::of(&about) == Some(self.stamp)
    }

    /// Reads the file, or returns why it can never be read, in a sentence that says what to do. `None`: it has changed meanwhile, and is
    /// not complete.
    pub(super) async fn read(&self, directory: &Path) -> Result<Option<Bytes>, String> {
        let name = self.shown();
        if self.name.to_str().is_none() {
            return Err(format!("The name of the file {name} is not UTF-8; put it there again under another name."));
        }
        if !usize::try_from(self.stamp.length).is_ok_and(|length| length <= LARGEST) {
            return Err(format!("The file {name} is larger than 256 MiB; have it sent in parts."));
        }
        let read = contents(directory.join(&self.name)).await.map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                format!("The file {name} was taken away before it was read; put it there again if it is to be read.")
            } else {
                format!("The file {name} cannot be read ({error}); check its rights, and put it there again.")
            }
        });
        let bytes = read?;
        let is_whole = i64::try_from(bytes.len()) == Ok(self.stamp.length) && self.is_in(directory).await;
        Ok(is_whole.then_some(bytes))
    }

    /// Moves the file to where it is kept after its run. One of a name that is there gets that of the run.
    pub(super) async fn move_to(&self, directory: &Path, end: &Path, run: FeedRunId) -> io::Result<()> {
        fs::create_dir_all(end).await?;
        let mut target = end.join(&self.name);
        if fs::try_exists(&target).await? {
            let mut other = OsString::from(format!("{run}-"));
            other.push(&self.name);
            target = end.join(other);
        }
        fs::rename(directory.join(&self.name), target).await
    }
}

/// Reads a file, of which no more is read than a file may have.
async fn contents(path: PathBuf) -> io::Result<Bytes> {
    let reading = spawn_blocking(move || {
        let file = std::fs::File::open(path)?;
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(LARGEST).min(LARGEST);
        let mut bytes = Vec::with_capacity(length);
        file.take(u64::try_from(LARGEST).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(Bytes::from(bytes))
    });
    reading.await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_named_with_what_to_do() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (name, begin) in [
            ("src", "The file src cannot be read ("),
            ("gone.csv", "The file gone.csv was taken away before it was read"),
        ] {
            let because = Entry::new(name, Stamp { changed: 1, length: 1 }).read(directory).await.unwrap_err();
            assert!(because.starts_with(begin), "{because}");
        }
    }

    #[tokio::test]
    async fn only_the_file_that_was_found_is_read_and_moved_away() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
        let stamp = Stamp::of(&std::fs::metadata(directory.join("Cargo.toml")).unwrap()).unwrap();
        let found = Entry::new("Cargo.toml", stamp);
        assert!(found.is_in(directory).await && found.read(directory).await.unwrap().is_some());
        for other in [Stamp { changed: stamp.changed - 1, ..stamp }, Stamp { length: stamp.length - 1, ..stamp }] {
            let before = Entry::new("Cargo.toml", other);
            assert!(!before.is_in(directory).await, "another one has come in its place");
            assert_eq!(before.read(directory).await, Ok(None), "it has changed while it was read");
        }
        assert!(!Entry::new("gone.csv", stamp).is_in(directory).await);
    }
}
