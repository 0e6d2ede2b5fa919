//! Where the files of a feed come from.
use std::{collections::HashSet, io, path::PathBuf, time::Duration};

use bytes::Bytes;
use chrono::TimeDelta;
use hyper::header::{HeaderName, HeaderValue};
use loadmaster_kernel::FeedRunId;
use loadmaster_platform::{
    in_own_tx,
    outbound::{Fetch, FetchError, Fetched, NoFile, pause_of},
    postgres::{DbError, retrying},
};
use tokio::{fs, time::timeout};

use super::{
    folder::{Entry, FileKey, LARGEST},
    model::Feed,
    repository,
    service::FeedService,
};

/// Statuses whose `Retry-After` is heeded.
const BUSY: [u16; 2] = [429, 503];
/// The longest time for which a folder is read, or a file is moved away: one on a network may never answer.
const LONGEST_ACCESS: Duration = Duration::from_mins(2);
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
    /// Where it is, if that is a folder.
    pub entry: Option<Entry>,
}

/// Why there is no file, in a sentence that says what to do.
#[derive(Debug)]
pub(super) struct Failure {
    pub because: String,
    /// The pause that the source asks for.
    pub wish: Option<TimeDelta>,
    /// The file of the folder that can never be read: it is moved away, so that the next one does not wait for it.
    pub entry: Option<Entry>,
}

impl Failure {
    pub(super) fn new(because: impl Into<String>) -> Self {
        Self { because: because.into(), wish: None, entry: None }
    }
}

impl FeedService {
    /// Reads the source of a feed. `is_anew`: the file is wanted even if it is that of the last run.
    pub(super) async fn read_source(&self, feed: &Feed, is_anew: bool) -> Result<Result<Source, Failure>, DbError> {
        match (&feed.terms.url, &feed.terms.folder) {
            (Some(url), _) => Ok(self.fetch(feed, url, is_anew).await),
            (None, Some(folder)) => self.look(feed, folder).await,
            (None, None) => Ok(Ok(Source::Empty)),
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
                Ok(Source::File(Found { bytes, etag, entry: None }))
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

    /// Finds the oldest complete file of a folder. Those that were read and cannot be moved away are passed over.
    async fn look(&self, feed: &Feed, folder: &str) -> Result<Result<Source, Failure>, DbError> {
        let mut stuck = repository::stuck_files(&mut *self.db.read().await?, feed.id).await?;
        let source = in_time(folder, self.oldest(folder, &mut stuck)).await;
        // Those that are left are no longer there. Of a folder that cannot be read, nothing is known.
        let is_known = match &source {
            Ok(_) => true,
            Err(failure) => failure.entry.is_some(),
        };
        if is_known && !stuck.is_empty() {
            let forget = || async { in_own_tx!(self.db, |tx| repository::forget_stuck(&mut tx, feed.id, &stuck)) };
            retrying(forget).await?;
        }
        Ok(source)
    }

    /// Reads the oldest complete file of a folder but for those that are `stuck`, of which it leaves those that are not there.
    async fn oldest(&self, folder: &str, stuck: &mut HashSet<FileKey>) -> Result<Source, Failure> {
        let directory = self.directory(folder).await?;
        let cannot = |_| Failure::new(format!("The folder {folder} cannot be read; check its rights."));
        let mut entries = fs::read_dir(&directory).await.map_err(cannot)?;
        let (mut oldest, mut passed) = (None::<Entry>, None::<Entry>);
        while let Some(found) = entries.next_entry().await.map_err(cannot)? {
            let Some(entry) = Entry::complete(&found).await else { continue };
            if stuck.remove(&entry.key()) {
                passed = Some(entry);
            } else if oldest.as_ref().is_none_or(|oldest| entry.order() < oldest.order()) {
                oldest = Some(entry);
            }
        }
        match (oldest, passed) {
            (Some(entry), _) => match entry.read(&directory).await {
                Ok(Some(bytes)) => Ok(Source::File(Found { bytes, etag: None, entry: Some(entry) })),
                Ok(None) => Ok(Source::Empty),
                Err(because) => Err(Failure { entry: Some(entry), ..Failure::new(because) }),
            },
            (None, Some(entry)) => Err(Failure::new(format!(
                "The file {} was read and cannot be moved away: give the process the right to write to the folder {folder} and to its \
                 folders done and failed, or take the file away.",
                entry.shown()
            ))),
            (None, None) => Ok(Source::Empty),
        }
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
    pub(super) async fn put_away(
        &self,
        feed: &Feed,
        entry: &Entry,
        run: FeedRunId,
        has_failed: bool,
    ) -> Result<(), DbError> {
        let Some(folder) = &feed.terms.folder else { return Ok(()) };
        let moving = timeout(LONGEST_ACCESS, self.move_away(folder, entry, run, has_failed));
        if let Err(error) = moving.await.unwrap_or_else(|elapsed| Err(elapsed.into())) {
            tracing::warn!(%error, feed_id = %feed.id, "a file of a feed cannot be moved away; it stays, and is passed over");
            let key = entry.key();
            retrying(|| async { in_own_tx!(self.db, |tx| repository::note_stuck(&mut tx, feed.id, &key)) }).await?;
        }
        Ok(())
    }

    async fn move_away(&self, folder: &str, entry: &Entry, run: FeedRunId, has_failed: bool) -> io::Result<()> {
        let Ok(directory) = self.directory(folder).await else { return Ok(()) };
        // Another one of its name, which has come meanwhile, is still to be read.
        if !entry.is_in(&directory).await {
            return Ok(());
        }
        let end = directory.join(if has_failed { FAILED } else { DONE });
        entry.move_to(&directory, &end, run).await
    }
}

/// Returns what a folder has, unless it takes too long to answer.
async fn in_time(folder: &str, reading: impl Future<Output = Result<Source, Failure>>) -> Result<Source, Failure> {
    timeout(LONGEST_ACCESS, reading).await.unwrap_or_else(|_| {
        Err(Failure::new(format!(
            "The folder {folder} could not be read within 120 seconds; check its disk, or its connection to this machine."
        )))
    })
}

/// Returns a sentence about a file that could not be fetched.
fn text_of(error: &FetchError) -> String {
    let status = error.status.unwrap_or_default();
    match error.why {
        NoFile::Unreachable => {
            "The server cannot be reached, or its address is not allowed; check the address of the feed.".to_owned()
        }
        NoFile::Tls => {
            "The server cannot prove who it is: its certificate, or its TLS, is not valid; have its operator mend that."
                .to_owned()
        }
        NoFile::Unreadable => "What the server answers is not HTTP; check the address of the feed.".to_owned(),
        NoFile::Timeout => "The file did not come within 120 seconds; have it sent in gzip or in parts.".to_owned(),
        NoFile::Redirected => {
            format!("The server redirects elsewhere (status {status}), which is not followed; give the final address.")
        }
        NoFile::Refused => {
            format!("The server refuses the file with status {status}; check the address and the headers of the feed.")
        }
        NoFile::TooLarge => "The file is larger than 256 MiB; have it sent in parts.".to_owned(),
        NoFile::BrokenOff => {
            "The file broke off before its end; it is fetched again. If that goes on, ask the operator of its server."
                .to_owned()
        }
        NoFile::Disk => {
            "This machine cannot store the file: the disk for temporary files is full or broken; see its log."
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_folder_that_never_answers_is_named() {
        let failure = in_time("ai", pending()).await.unwrap_err();
        assert!(failure.because.starts_with("The folder ai could not be read within 120 seconds"), "{failure:?}");
        assert!(in_time("ai", ready(Ok(Source::Empty))).await.is_ok());
    }
}
