//! Files in gzip (RFC 1952).
use bytes::Bytes;
use tokio::{io::AsyncReadExt, runtime::Handle, task::spawn_blocking};

use async_compression::tokio::bufread::GzipDecoder;

/// The first bytes of such a file.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why a file cannot be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GzipError {
    #[error("it is larger than {0} bytes once it is unpacked")]
    TooLarge(usize),
    #[error("its gzip is damaged or not complete")]
    Broken,
}

/// Unpacks a file that is in gzip, to at most this many bytes; any other file stays as it is.
pub async fn unpacked(file: Bytes, most: usize) -> Result<Bytes, GzipError> {
    if !file.starts_with(&MAGIC) {
        return Ok(file);
    }
    let unpacking = spawn_blocking(move || Handle::current().block_on(unpack(&file, most)));
    unpacking.await.map_err(|_| GzipError::Broken)?
}

async fn unpack(packed: &[u8], most: usize) -> Result<Bytes, GzipError> {
    let mut decoder = GzipDecoder::new(packed);
    decoder.multiple_members(true);
    let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut plain = Vec::new();
    decoder.take(bound).read_to_end(&mut plain).await.map_err(|_| GzipError::Broken)?;
    if plain.len() > most { Err(GzipError::TooLarge(most)) } else { Ok(plain.into()) }
}

#[cfg(test)]
mod tests {
    use async_compression::Level;

    use super::*;
    use crate::web::{Coding, encode};

    async fn packed(plain: &[u8]) -> Bytes {
        encode(Bytes::copy_from_slice(plain), Coding::Gzip, Level::Default).await
    }

    #[tokio::test]
    async fn a_file_in_gzip_is_unpacked_and_any_other_stays() {
        assert_eq!(unpacked(packed(b"a,b\n1,2\n").await, 100).await.unwrap(), "a,b\n1,2\n");
        let two = [packed(b"a,b\n").await, packed(b"1,2\n").await].concat();
        assert_eq!(unpacked(two.into(), 100).await.unwrap(), "a,b\n1,2\n", "members follow each other");
        assert_eq!(unpacked(Bytes::from_static(b"a,b\n"), 2).await.unwrap(), "a,b\n");
    }

    #[tokio::test]
    async fn what_is_cut_damaged_or_too_large_is_refused() {
        let whole = packed(&[b'x'; 10_000]).await;
        assert_eq!(unpacked(whole.slice(..whole.len() - 4), 100_000).await, Err(GzipError::Broken));
        let mut damaged = whole.to_vec();
        let place = damaged.len() - 6;
        damaged[place] ^= 1;
        assert_eq!(unpacked(damaged.into(), 100_000).await, Err(GzipError::Broken));
        assert_eq!(unpacked(whole.clone(), 9_999).await, Err(GzipError::TooLarge(9_999)));
        assert_eq!(unpacked(whole, 10_000).await.unwrap().len(), 10_000);
    }
}
