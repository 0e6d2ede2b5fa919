//! Bodies of requests in a content coding (RFC 9110, section 8.4). The layer of `tower-http` for them decodes on the threads
//! of the runtime, matches names by case, and answers without a problem.
use std::io;

use async_compression::{
    tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder},
    zstd::DParameter,
};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    runtime::Handle,
    sync::Semaphore,
    task::spawn_blocking,
};

use super::{code, coding::Coding, payer::paid, problem::Problem};

/// Number of bodies that are decoded at the same time: each takes a thread, and memory for its window beside its bytes.
static DECODING: Semaphore = Semaphore::const_new(4);

/// The largest ratio of a body's size to its coded size; a small body may exceed it.
const MOST_RATIO: usize = 200;
const ALWAYS_READ: usize = 64 * 1024;
/// The largest window of `zstd` in HTTP is 8 MiB (RFC 9659, section 3).
const MOST_WINDOW_LOG: u32 = 23;

/// Returns the one coding of a body; several, and those that are not understood, are refused.
pub(super) fn coding_of(headers: &HeaderMap) -> Result<Coding, Problem> {
    let mut found = Coding::Identity;
    for value in headers.get_all(header::CONTENT_ENCODING) {
        let names = value.to_str().map_err(|_| unsupported("The content coding of the body is not readable."))?;
        for name in names.split(',').filter(|name| !name.trim().is_empty()) {
            let coding = Coding::named(name);
            let coding = coding.ok_or_else(|| unsupported("The content coding of the body is not supported."))?;
            if coding == Coding::Identity {
                continue;
            }
            if found != Coding::Identity {
                return Err(unsupported("The body has several content codings; one is supported."));
            }
            found = coding;
        }
    }
    Ok(found)
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(code::UNSUPPORTED_MEDIA_TYPE, detail).naming_codings()
}

/// Returns the bytes of a body that was received in this coding, if they are at most `limit`.
pub(super) async fn decode(coded: Bytes, coding: Coding, limit: usize) -> Result<Bytes, Problem> {
    // Some clients name a coding where there is no body.
    let Some(name) = coding.name().filter(|_| !coded.is_empty()) else { return Ok(coded) };
    let Ok(permit) = DECODING.acquire().await else {
        return Err(Problem::unavailable("This instance is shutting down."));
    };
    let by_ratio = coded.len().saturating_mul(MOST_RATIO).max(ALWAYS_READ);
    let decoding = spawn_blocking(move || {
        let _permit = permit;
        Handle::current().block_on(read(&coded, coding, limit.min(by_ratio)))
    });
    match paid(decoding).await.map_err(|error| Problem::internal(&error))? {
        Ok(Some(plain)) => Ok(plain.into_boxed_slice().into()),
        Ok(None) if by_ratio < limit => {
            let detail = format!("The body is more than {MOST_RATIO} times as large as it was sent.");
            Err(Problem::new(code::PAYLOAD_TOO_LARGE, detail))
        }
        Ok(None) => Err(too_large(limit)),
        Err(error) => {
            tracing::debug!(%error, coding = name, "a body cannot be decoded");
            let detail = format!("The body is not complete and valid in its content coding, {name}.");
            Err(Problem::new(code::MALFORMED_REQUEST, detail))
        }
    }
}

pub(super) fn too_large(limit: usize) -> Problem {
    Problem::new(code::PAYLOAD_TOO_LARGE, format!("The body is larger than {limit} bytes."))
}

/// Reads a whole coded body; `None` if it has more than `most` bytes. What follows its end is an error.
async fn read(coded: &[u8], coding: Coding, most: usize) -> io::Result<Option<Vec<u8>>> {
    match coding {
        Coding::Identity => Ok((coded.len() <= most).then(|| coded.to_vec())),
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(coded);
            decoder.multiple_members(true);
            read_up_to(&mut decoder, most).await
        }
        Coding::Zstd => {
            let mut decoder = ZstdDecoder::with_params(coded, &[DParameter::window_log_max(MOST_WINDOW_LOG)]);
            decoder.multiple_members(true);
            read_up_to(&mut decoder, most).await
        }
        Coding::Brotli => {
            let mut decoder = BrotliDecoder::new(coded);
            let plain = read_up_to(&mut decoder, most).await?;
            if plain.is_some() && !decoder.get_ref().is_empty() {
                return Err(io::ErrorKind::InvalidData.into());
            }
            Ok(plain)
        }
    }
}

async fn read_up_to(decoder: &mut (impl AsyncRead + Unpin), most: usize) -> io::Result<Option<Vec<u8>>> {
    let mut plain = Vec::new();
    let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(bound).read_to_end(&mut plain).await?;
    Ok((plain.len() <= most).then_some(plain))
}

#[cfg(test)]
mod tests {
    use async_compression::Level;
    use axum::{http::HeaderValue, response::IntoResponse};

    use super::*;
    use crate::web::encode;

    const CODED: [Coding; 3] = [Coding::Gzip, Coding::Brotli, Coding::Zstd];
    const LIMIT: usize = 1024 * 1024;

    async fn in_coding(plain: &[u8], coding: Coding) -> Bytes {
        encode(Bytes::copy_from_slice(plain), coding, Level::Default).await
    }

    /// Bytes that no coding makes smaller.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        };
        std::iter::repeat_with(next).take(length).collect()
    }

    fn coding(values: &[&str]) -> Result<Coding, Problem> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::CONTENT_ENCODING, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        coding_of(&headers)
    }

    #[test]
    fn one_coding_is_understood_by_its_name_in_any_case() {
        for (values, expected) in [
            (&[][..], Coding::Identity),
            (&["identity"], Coding::Identity),
            (&["gzip"], Coding::Gzip),
            (&["X-GZip"], Coding::Gzip),
            (&["identity, br"], Coding::Brotli),
            (&["", "zstd,"], Coding::Zstd),
        ] {
            assert_eq!(coding(values).unwrap(), expected, "{values:?}");
        }
    }

    #[test]
    fn another_coding_and_several_are_refused_with_those_that_are_understood() {
        for values in [&["deflate"][..], &["compress"], &["gzip, gzip"], &["gzip", "br"], &["gzip;q=1"], &["\u{e9}"]] {
            let problem = coding(values).unwrap_err();
            assert_eq!(problem.code(), code::UNSUPPORTED_MEDIA_TYPE, "{values:?}");
            assert_eq!(problem.into_response().headers()[header::ACCEPT_ENCODING], "gzip, br, zstd");
        }
    }

    #[tokio::test]
    async fn a_body_is_the_same_in_each_coding() {
        for plain in [&b"{}"[..], &[], &noise(300_000), &b"{\"a\": 1}".repeat(1000)] {
            for coding in CODED {
                let coded = in_coding(plain, coding).await;
                assert_eq!(decode(coded, coding, LIMIT).await.unwrap(), plain, "{coding:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_body_may_have_several_members() {
        for coding in [Coding::Gzip, Coding::Zstd] {
            let coded = [in_coding(b"one ", coding).await, in_coding(b"two", coding).await].concat();
            assert_eq!(decode(coded.into(), coding, LIMIT).await.unwrap(), "one two", "{coding:?}");
        }
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit_of_its_bytes() {
        for coding in CODED {
            let coded = in_coding(&noise(100_000), coding).await;
            assert_eq!(decode(coded.clone(), coding, 100_000).await.unwrap().len(), 100_000, "{coding:?}");
            let problem = decode(coded, coding, 99_999).await.unwrap_err();
            assert_eq!(problem.code(), code::PAYLOAD_TOO_LARGE, "{coding:?}");
            assert_eq!(problem.detail(), "The body is larger than 99999 bytes.");
        }
    }

    #[tokio::test]
    async fn a_body_that_grows_beyond_the_ratio_is_refused_before_the_limit_is_reached() {
        for coding in CODED {
            let problem = decode(in_coding(&vec![b' '; LIMIT], coding).await, coding, 32 * LIMIT).await.unwrap_err();
            assert_eq!(problem.code(), code::PAYLOAD_TOO_LARGE, "{coding:?}");
            assert!(problem.detail().contains("200 times"), "{coding:?}: {}", problem.detail());
            let small = in_coding(&vec![b' '; ALWAYS_READ], coding).await;
            assert_eq!(decode(small, coding, LIMIT).await.unwrap().len(), ALWAYS_READ, "{coding:?}");
        }
    }

    #[tokio::test]
    async fn a_body_that_is_cut_short_goes_on_too_long_or_is_changed_is_malformed() {
        for coding in CODED {
            let whole = in_coding(&b"{\"origin\": \"DEL\"}".repeat(50), coding).await;
            let cut = (1..whole.len()).map(|length| whole.slice(..length));
            let longer = Bytes::from([&whole[..], b"rest"].concat());
            let other = Bytes::from_static(b"{\"origin\": \"DEL\"}");
            for coded in cut.chain([longer, other]) {
                let problem = decode(coded.clone(), coding, LIMIT).await.unwrap_err();
                assert_eq!(problem.code(), code::MALFORMED_REQUEST, "{coding:?}: {} bytes", coded.len());
            }
        }
    }

    #[tokio::test]
    async fn no_body_needs_no_coding() {
        for coding in CODED {
            assert!(decode(Bytes::new(), coding, LIMIT).await.unwrap().is_empty());
        }
    }
}
