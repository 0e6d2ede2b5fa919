//! A GET of a file: its body goes to the disk, to a file without a name, which is gone once nothing holds it any more, whatever
//! ends the process.
use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{
    HeaderMap, Method,
    body::{Body, Incoming},
    header::{ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, RETRY_AFTER},
};
use tokio::{
    fs::File,
    io::AsyncWriteExt,
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

use super::{
    Outbound, Target,
    call::{NoAnswer, Way, request},
};

/// Longest `ETag` that is kept.
const LONGEST_TAG: usize = 512;

/// A GET of a target.
pub struct Fetch<'a> {
    pub target: &'a Target,
    /// It may go to the trusted networks.
    pub is_trusted: bool,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The `ETag` of the file that the caller has: it is not sent again if it has not changed.
    pub etag: Option<&'a str>,
    /// Most bytes of the file.
    pub most: u64,
}

/// What a GET brought.
#[derive(Debug)]
pub enum Fetched {
    /// The caller has the file already.
    NotModified,
    File(Download),
}

/// A file that was received to its end. It has no name on the disk.
#[derive(Debug)]
pub struct Download {
    file: std::fs::File,
    length: u64,
    /// As received, for the next GET.
    pub etag: Option<String>,
}

/// Why there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoFile {
    /// There is no such name, no connection, or the address is refused: a caller cannot know which.
    Unreachable,
    Tls,
    /// It is no HTTP, or its head is too long.
    Unreadable,
    /// The whole of it took too long.
    Timeout,
    /// 3xx: it is not followed.
    Redirected,
    /// Another status than 200.
    Refused,
    TooLarge,
    /// The body ended before its end.
    BrokenOff,
    /// This machine has no space for it, or cannot write.
    Disk,
}

/// Why there is no file, and what the answer said of it, if there was one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchError {
    pub why: NoFile,
    pub status: Option<u16>,
    /// As received.
    pub retry_after: Option<String>,
}

impl From<NoFile> for FetchError {
    fn from(why: NoFile) -> Self {
        Self { why, status: None, retry_after: None }
    }
}

impl From<NoAnswer> for NoFile {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Timeout => Self::Timeout,
            NoAnswer::Unreachable => Self::Unreachable,
            NoAnswer::Tls => Self::Tls,
            NoAnswer::Unreadable => Self::Unreadable,
        }
    }
}

impl Outbound {
    /// Receives a file, within [`super::CallTimes::download`] in all. What was received of a file that is refused, too large, too
    /// late or broken off is gone at once.
    pub async fn get(&self, fetch: &Fetch<'_>) -> Result<Fetched, FetchError> {
        let deadline = Instant::now() + self.0.times.download;
        let way = Way { target: fetch.target, is_trusted: fetch.is_trusted, is_doubtful: true };
        let request = fetch.request().ok_or(NoFile::Unreachable)?;
        let answered = timeout_at(deadline, self.answer(way, request)).await.unwrap_or(Err(NoAnswer::Timeout));
        let answered = answered.map_err(NoFile::from)?;
        let (head, body) = answered.response.into_parts();
        let status = head.status.as_u16();
        let fails = |why| FetchError { why, status: Some(status), retry_after: text(&head.headers, &RETRY_AFTER) };
        match status {
            200 => {}
            304 if fetch.etag.is_some() => return Ok(Fetched::NotModified),
            300..=399 => return Err(fails(NoFile::Redirected)),
            _ => return Err(fails(NoFile::Refused)),
        }
        // The length is known beforehand: nothing of it is received.
        if body.size_hint().lower() > fetch.most {
            return Err(fails(NoFile::TooLarge));
        }
        let receiving = timeout_at(deadline, receive(body, fetch.most));
        let (file, length) = receiving.await.unwrap_or(Err(NoFile::Timeout)).map_err(fails)?;
        let etag = text(&head.headers, &ETAG).filter(|tag| tag.len() <= LONGEST_TAG);
        Ok(Fetched::File(Download { file, length, etag }))
    }
}

impl Fetch<'_> {
    fn request(&self) -> Option<hyper::Request<http_body_util::Full<Bytes>>> {
        let mut headers = self.headers.clone();
        if let Some(etag) = self.etag {
            headers.push((IF_NONE_MATCH, HeaderValue::from_str(etag).ok()?));
        }
        request(Method::GET, self.target, &headers, Bytes::new())
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Writes a body to a file without a name, up to this many bytes.
async fn receive(mut body: Incoming, most: u64) -> Result<(std::fs::File, u64), NoFile> {
    let made = spawn_blocking(tempfile::tempfile).await.map_err(|_| NoFile::Disk)?;
    let mut file = File::from_std(made.map_err(|error| failed(&error))?);
    let mut length = 0_u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| NoFile::BrokenOff)?;
        let Some(data) = frame.data_ref() else { continue };
        length = length.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        if length > most {
            return Err(NoFile::TooLarge);
        }
        file.write_all(data).await.map_err(|error| failed(&error))?;
    }
    file.flush().await.map_err(|error| failed(&error))?;
    Ok((file.into_std().await, length))
}

fn failed(error: &io::Error) -> NoFile {
    tracing::warn!(%error, "a file cannot be received: the directory for temporary files does not take it");
    NoFile::Disk
}

impl Download {
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Reads the whole file, which is gone from the disk then.
    pub async fn read(self) -> io::Result<Bytes> {
        let Self { mut file, length, .. } = self;
        let reading = spawn_blocking(move || {
            let mut read = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
            file.seek(SeekFrom::Start(0))?;
            file.read_to_end(&mut read)?;
            Ok::<_, io::Error>(Bytes::from(read))
        });
        reading.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
