//! Carrying out a run: what its file is, and what became of it.
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use chrono::TimeDelta;
use loadmaster_platform::{
    postgres::DbError,
    tables::{TableFaults, unpacked},
};
use serde_json::Value;

use super::{
    folder::{Entry, LARGEST},
    model::{Counts, Feed, FeedFormat, FeedKind, FileFault, Run, RunStatus, RunTrigger},
    repository,
    service::FeedService,
    source::Found,
};

/// How a file of SSIM begins.
const SSIM: &[u8] = b"1AIRLINE STANDARD SCHEDULE DATA SET";
/// How a workbook begins.
const ARCHIVE: &[u8] = b"PK\x03\x04";

/// What became of a run.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub status: Option<RunStatus>,
    pub counts: Counts,
    pub because: Option<String>,
    pub faults: Vec<FileFault>,
    pub differences: Vec<Value>,
    /// What the file does, as it is kept.
    pub digest: Option<Vec<u8>>,
    /// Rows of the file, if they could be read.
    pub file_rows: Option<i64>,
    /// The pause that the source asks for.
    pub wish: Option<TimeDelta>,
    pub etag: Option<String>,
    pub sha256: Option<Vec<u8>>,
    pub bytes: Option<i64>,
    /// The file in the folder, which is moved away.
    pub entry: Option<Entry>,
    /// The file, for the person who decides.
    pub file: Option<Bytes>,
    /// A run that waits goes on waiting.
    pub is_nothing_new: bool,
    /// The file is not to blame: it stays in its folder, and is read again. What an approved run has shown stays, too.
    pub is_passing: bool,
}

impl Ended {
    pub fn of(status: RunStatus) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// Nothing was changed.
    pub fn failed(because: impl Into<String>) -> Self {
        Self { because: Some(because.into()), ..Self::of(RunStatus::Failed) }
    }

    /// The file has faults.
    pub fn faulty(faults: &TableFaults) -> Self {
        let first = faults.first().iter().map(|fault| FileFault {
            row: fault.row.and_then(|row| i64::try_from(row).ok()),
            column: fault.column.clone(),
            code: fault.code.to_owned(),
            message: fault.message.clone(),
        });
        let total = i64::try_from(faults.total()).unwrap_or(i64::MAX);
        let because =
            format!("The file has {total} faults, of which the first are listed; have them mended by its sender.");
        let counts = Counts { faults: total, ..Counts::default() };
        Self { faults: first.collect(), counts, ..Self::failed(because) }
    }
}

impl FeedService {
    /// Compares the file of a run, and applies it as far as no person has to decide.
    pub(super) async fn carry(&self, feed: &Feed, run: &Run, found: Found) -> Result<Ended, DbError> {
        let Found { bytes, etag, entry } = found;
        let length = i64::try_from(bytes.len()).ok();
        let (mut ended, sha256) = match unpacked(bytes.clone(), LARGEST).await {
            Err(error) => (Ended::failed(format!("The file cannot be used: {error}; have it sent again.")), None),
            Ok(plain) => {
                let sha256 = digest(&SHA256, &plain).as_ref().to_vec();
                let run = Run { bytes: length, sha256: Some(sha256.clone()), etag: etag.clone(), ..run.clone() };
                (self.carry_plain(feed, &run, plain, &sha256).await?, Some(sha256))
            }
        };
        if ended.status == Some(RunStatus::Review) {
            ended.file = Some(bytes);
        }
        let entry = entry.filter(|_| !ended.is_passing);
        Ok(Ended { etag, sha256, bytes: length, entry, ..ended })
    }

    async fn carry_plain(&self, feed: &Feed, run: &Run, plain: Bytes, sha256: &[u8]) -> Result<Ended, DbError> {
        if let Some(because) = misfit(feed.terms.format, &plain) {
            return Ok(Ended::failed(because));
        }
        if run.trigger == RunTrigger::Schedule && !run.is_approved {
            let waiting = repository::waiting_file(&mut *self.db.read().await?, feed.id).await?;
            if let Some((before, _)) = waiting.filter(|(_, waiting)| waiting == sha256) {
                let because =
                    format!("The file is that of the run {before}, which waits for a person or was rejected.");
                let same = Ended { because: Some(because), is_nothing_new: true, ..Ended::of(RunStatus::Unchanged) };
                return Ok(same);
            }
        }
        match feed.terms.kind {
            FeedKind::Flights | FeedKind::Season => Box::pin(self.carry_schedule(feed, run, plain)).await,
            FeedKind::Tariffs | FeedKind::ReferenceRates => Box::pin(self.carry_counted(feed, run, &plain)).await,
        }
    }
}

/// Returns why a file is not of this form, if it is not.
fn misfit(format: FeedFormat, file: &[u8]) -> Option<String> {
    let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file).trim_ascii_start();
    if text.is_empty() {
        return Some("The file is empty; have it sent again.".to_owned());
    }
    if text.starts_with(b"<") {
        return Some(
            "The file is a page of HTML or XML, and no table: check the address of the feed, and whether it needs other headers."
                .to_owned(),
        );
    }
    // Records of zeros may stand before the first one of SSIM.
    let begin = file.iter().position(|byte| !matches!(byte, b'0' | b' ' | b'\r' | b'\n')).unwrap_or(file.len());
    let (is_ssim, is_workbook) = (file[begin..].starts_with(SSIM), file.starts_with(ARCHIVE));
    let is_of_format = match format {
        FeedFormat::Ssim => is_ssim,
        FeedFormat::Xlsx => is_workbook,
        FeedFormat::Csv => !is_ssim && !is_workbook,
    };
    let is = match (is_ssim, is_workbook) {
        (true, _) => "SSIM",
        (_, true) => "a workbook",
        _ => "neither SSIM nor a workbook",
    };
    let wanted = format.as_str();
    (!is_of_format)
        .then(|| format!("The file is {is}, and the feed expects {wanted}: have it mended, or change the format."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_form_is_refused_with_a_sentence() {
        let (ssim, workbook) = ("1AIRLINE STANDARD SCHEDULE DATA SET 001000001", "PK\u{3}\u{4}");
        let behind_zeros = format!("{}\r\n{ssim}", "0".repeat(200));
        for (format, file, because) in [
            (FeedFormat::Csv, "  \n", Some("The file is empty")),
            (FeedFormat::Csv, "\u{feff}\n <html>", Some("The file is a page of HTML")),
            (FeedFormat::Ssim, "<!doctype html>", Some("The file is a page of HTML")),
            (FeedFormat::Csv, workbook, Some("The file is a workbook, and the feed expects CSV")),
            (FeedFormat::Csv, ssim, Some("The file is SSIM, and the feed expects CSV")),
            (FeedFormat::Xlsx, "a,b", Some("The file is neither SSIM nor a workbook, and the feed expects XLSX")),
            (FeedFormat::Csv, "a,b", None),
            (FeedFormat::Xlsx, workbook, None),
            (FeedFormat::Ssim, ssim, None),
            (FeedFormat::Ssim, behind_zeros.as_str(), None),
        ] {
            let found = misfit(format, file.as_bytes());
            let is_expected = match (&found, because) {
                (Some(found), Some(because)) => found.starts_with(because),
                (found, because) => found.is_none() && because.is_none(),
            };
            assert!(is_expected, "{format:?} {file:?}: {found:?}");
        }
    }
}
