//! Where the files of a feed come from.
use std::path::{Path, PathBuf};

use bytes::Bytes;
use chrono::TimeDelta;
use hyper::header::{HeaderName, HeaderValue};
use loadmaster_kernel::FeedRunId;
use loadmaster_platform::outbound::{Fetch, FetchError, Fetched, NoFile, pause_of};
use tokio::fs;

use super::{model::Feed, service::FeedService};

/// Most bytes of a file, as it comes and once it is unpacked.
pub(super) const LARGEST: usize = 256 * 1024 * 1024;
/// Statuses whose `Retry-After` is heeded.
const BUSY: [u16; 2] = [429, 503];
/// A file in a folder is read once it has not been changed for this long.
const SETTLED: std::time::Duration = std::time::Duration::from_secs(10);
/// Where files of a folder are moved that could be read.
const DONE: &str = "done";
/// Where others are moved.
const FAILED: &str = "failed";

/// What a source has.
#[derive(Debug)]
pub(super) enum Source {
    /// The file that was fetched before.
    NotModified,
    /// The folder has no file that is complete.
    Empty,
    File(Found),
}

/// A file.
#[derive(Debug)]
pub(super) struct Found {
    pub bytes: Bytes,
    pub etag: Option<String>,
    /// Its name in the folder.
    pub name: Option<String>,
}

/// Why there is no file, in a sentence that says what to do.
#[derive(Debug)]
pub(super) struct Failure {
    pub because: String,
    /// The pause that the source asks for.
    pub wish: Option<TimeDelta>,
    /// The file of the folder that can never be read: it is moved away, so that the next one does not wait for it.
    pub file_name: Option<String>,
}

impl Failure {
    pub(super) fn new(because: impl Into<String>) -> Self {
        Self { because: because.into(), wish: None, file_name: None }
    }
}

impl FeedService {
    /// Reads the source of a feed. `is_anew`: the file is wanted even if it is that of the last run.
    pub(super) async fn read_source(&self, feed: &Feed, is_anew: bool) -> Result<Source, Failure> {
        match (&feed.terms.url, &feed.terms.folder) {
            (Some(url), _) => self.fetch(feed, url, is_anew).await,
            (None, Some(folder)) => self.look(folder).await,
            (None, None) => Ok(Source::Empty),
        }
    }

    async fn fetch(&self, feed: &Feed, url: &str, is_anew: bool) -> Result<Source, Failure> {
        // The rules may have changed since the address was given.
        let target = self.outbound.rules().judge(url, true);
        let target =
            target.map_err(|fault| Failure::new(format!("The address of the feed {}; change it.", fault.message)))?;
        let headers = self.headers_of(feed).ok_or_else(|| {
            Failure::new(
                "The headers of the feed cannot be decrypted: give them again, or restore their key in `secrets.former_keys`.",
            )
        })?;
        let etag = feed.etag.as_deref().filter(|_| !is_anew);
        let most = u64::try_from(LARGEST).unwrap_or(u64::MAX);
        let fetch = Fetch { target: &target, is_trusted: true, headers, etag, most };
        match self.outbound.get(&fetch).await {
            Ok(Fetched::NotModified) => Ok(Source::NotModified),
            Ok(Fetched::File(file)) => {
                let etag = file.etag.clone();
                let read = file.read().await;
                let bytes =
                    read.map_err(|_| Failure::new("The file cannot be read back from the disk; see the log."))?;
                Ok(Source::File(Found { bytes, etag, name: None }))
            }
            Err(error) => Err(self.failure(&error)),
        }
    }

    fn headers_of(&self, feed: &Feed) -> Option<Vec<(HeaderName, HeaderValue)>> {
        let Some(sealed) = &feed.headers else { return Some(Vec::new()) };
        let opened = self.vault.open(feed.id.uuid(), sealed)?;
        let pairs: Vec<(String, String)> = serde_json::from_slice(&opened).ok()?;
        let header = |(name, value): (String, String)| {
            let mut value = HeaderValue::try_from(value).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::try_from(name).ok()?, value))
        };
        pairs.into_iter().map(header).collect()
    }

    fn failure(&self, error: &FetchError) -> Failure {
        let busy = error.retry_after.as_deref().filter(|_| error.status.is_some_and(|status| BUSY.contains(&status)));
        let wish = busy.and_then(|text| pause_of(text, self.clock.now()));
        Failure { wish, ..Failure::new(text_of(error)) }
    }

    /// Finds the oldest complete file of a folder.
    async fn look(&self, folder: &str) -> Result<Source, Failure> {
        let directory = self.directory(folder).await?;
        let cannot = |_| Failure::new(format!("The folder {folder} cannot be read; check its rights."));
        let mut entries = fs::read_dir(&directory).await.map_err(cannot)?;
        let mut oldest: Option<(std::time::SystemTime, String, u64)> = None;
        while let Some(entry) = entries.next_entry().await.map_err(cannot)? {
            let (Ok(name), Ok(about)) = (entry.file_name().into_string(), entry.metadata().await) else { continue };
            let Ok(modified) = about.modified() else { continue };
            // The file system's clock, and no other, says how old a file is.
            let is_complete = modified.elapsed().is_ok_and(|age| age >= SETTLED);
            let is_wanted = about.is_file() && !name.starts_with('.') && is_complete;
            if is_wanted && oldest.as_ref().is_none_or(|(first, before, _)| (modified, &name) < (*first, before)) {
                oldest = Some((modified, name, about.len()));
            }
        }
        let Some((_, name, length)) = oldest else { return Ok(Source::Empty) };
        if !usize::try_from(length).is_ok_and(|length| length <= LARGEST) {
            let because = format!("The file {name} is larger than 256 MiB; have it sent in parts.");
            return Err(Failure { file_name: Some(name), ..Failure::new(because) });
        }
        let read = fs::read(directory.join(&name)).await;
        let read = read.map_err(|_| Failure::new(format!("The file {name} cannot be read; check its rights.")))?;
        Ok(Source::File(Found { bytes: read.into(), etag: None, name: Some(name) }))
    }

    /// Returns the directory of a folder, which is inside that of the installation, also behind links.
    async fn directory(&self, folder: &str) -> Result<PathBuf, Failure> {
        let Some(all) = &self.folder else {
            return Err(Failure::new("Feeds have no folders here: the setting `feeds.folder` is not set."));
        };
        let missing = |_| Failure::new(format!("There is no folder {folder} below `feeds.folder`; make it."));
        let all = fs::canonicalize(all.as_path()).await.map_err(missing)?;
        let directory = fs::canonicalize(all.join(folder)).await.map_err(missing)?;
        if directory.starts_with(&all) {
            return Ok(directory);
        }
        Err(Failure::new(format!("The folder {folder} leads outside `feeds.folder`; make it a directory inside.")))
    }

    /// Moves a file of a folder away, after its run. One of the same name gets that of the run.
    pub(super) async fn put_away(&self, feed: &Feed, name: &str, run: FeedRunId, has_failed: bool) {
        let Some(folder) = &feed.terms.folder else { return };
        let Ok(directory) = self.directory(folder).await else { return };
        let end = directory.join(if has_failed { FAILED } else { DONE });
        if let Err(error) = move_into(&directory.join(name), &end, name, run).await {
            tracing::warn!(%error, feed_id = %feed.id, "a file of a feed cannot be moved away; it is read again");
        }
    }
}

async fn move_into(file: &Path, end: &Path, name: &str, run: FeedRunId) -> std::io::Result<()> {
    fs::create_dir_all(end).await?;
    let mut target = end.join(name);
    if fs::try_exists(&target).await? {
        target = end.join(format!("{run}-{name}"));
    }
    fs::rename(file, target).await
}

/// Returns a sentence about a file that could not be fetched.
fn text_of(error: &FetchError) -> String {
    let status = error.status.unwrap_or_default();
    match error.why {
        NoFile::Unreachable => {
            "The server cannot be reached, or its address is not allowed; check the address of the feed.".to_owned()
        }
        NoFile::Tls => "The server cannot prove who it is: its certificate, or its TLS, is not valid.".to_owned(),
        NoFile::Unreadable => "What the server answers is not HTTP; check the address of the feed.".to_owned(),
        NoFile::Timeout => "The file did not come within 120 seconds.".to_owned(),
        NoFile::Redirected => {
            format!("The server redirects elsewhere (status {status}), which is not followed; give the final address.")
        }
        NoFile::Refused => {
            format!("The server refuses the file with status {status}; check the address and the headers of the feed.")
        }
        NoFile::TooLarge => "The file is larger than 256 MiB.".to_owned(),
        NoFile::BrokenOff => "The file broke off before its end.".to_owned(),
        NoFile::Disk => {
            "This machine cannot store the file: the disk for temporary files is full or broken.".to_owned()
        }
    }
}
