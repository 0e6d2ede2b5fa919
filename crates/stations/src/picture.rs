//! What an image is: its kind by its first bytes, and its size in pixels by its own header. Nothing is decoded.
use loadmaster_kernel::{Fault, FaultCode};
use serde::Serialize;
use utoipa::ToSchema;

/// The most bytes of an image.
pub(super) const MOST_BYTES: usize = 512 * 1024;
/// The most pixels of each side.
const MOST_PIXELS: u32 = 4096;

/// The kinds of images that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub enum ImageType {
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/webp")]
    Webp,
}

impl ImageType {
    pub const NAMES: [&str; 3] = [Self::Png.name(), Self::Jpeg.name(), Self::Webp.name()];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }
}

/// The kind and size of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    pub kind: ImageType,
    pub width: u32,
    pub height: u32,
}

/// Returns what the bytes are, or why they are not taken; the message is a whole sentence.
pub fn measure(bytes: &[u8]) -> Result<Measured, Fault> {
    if bytes.len() > MOST_BYTES {
        return Err(Fault::new(FaultCode::TooLong, format!("The image must have at most {MOST_BYTES} bytes.")));
    }
    let not_an_image = || Fault::format("The body must be a PNG, JPEG or WebP image with its header.");
    let measured = png(bytes).or_else(|| jpeg(bytes)).or_else(|| webp(bytes)).ok_or_else(not_an_image)?;
    let Measured { kind, width, height } = measured;
    if kind == ImageType::Webp && is_animated(bytes) {
        return Err(Fault::format("The WebP image must not be animated."));
    }
    if width == 0 || height == 0 {
        return Err(not_an_image());
    }
    if width > MOST_PIXELS || height > MOST_PIXELS {
        let text =
            format!("The image has {width} × {height} pixels, and at most {MOST_PIXELS} × {MOST_PIXELS} are taken.");
        return Err(Fault::new(FaultCode::TooLarge, text));
    }
    Ok(measured)
}

/// Returns `N` bytes from a place on.
fn at<const N: usize>(bytes: &[u8], place: usize) -> Option<[u8; N]> {
    bytes.get(place..place.checked_add(N)?)?.try_into().ok()
}

fn png(bytes: &[u8]) -> Option<Measured> {
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR") {
        return None;
    }
    let (width, height) = (u32::from_be_bytes(at(bytes, 16)?), u32::from_be_bytes(at(bytes, 20)?));
    Some(Measured { kind: ImageType::Png, width, height })
}

/// Goes from segment to segment to the one that begins a frame; each step is at least two bytes.
fn jpeg(bytes: &[u8]) -> Option<Measured> {
    if !bytes.starts_with(b"\xff\xd8\xff") {
        return None;
    }
    let mut place = 2;
    loop {
        let [mark, marker] = at::<2>(bytes, place)?;
        if mark != 0xff {
            return None;
        }
        match marker {
            // Filled up.
            0xff => place += 1,
            // Without a length.
            0x01 | 0xd0..=0xd8 => place += 2,
            // Tables and conditions of coding are among the numbers of frames.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let height = u32::from(u16::from_be_bytes(at(bytes, place + 5)?));
                let width = u32::from(u16::from_be_bytes(at(bytes, place + 7)?));
                return Some(Measured { kind: ImageType::Jpeg, width, height });
            }
            // The image begins, or ends, without a frame; or no segment begins so. Decoders pass over a zero as over two bytes: a
            // frame in what seems to be skipped here is one that they read.
            0xd9 | 0xda | 0x00 | 0x02..=0xbf => return None,
            _ => {
                let length = usize::from(u16::from_be_bytes(at(bytes, place + 2)?));
                // It counts itself.
                if length < 2 {
                    return None;
                }
                place += 2 + length;
            }
        }
    }
}

fn webp(bytes: &[u8]) -> Option<Measured> {
    if !bytes.starts_with(b"RIFF") || at::<4>(bytes, 8)? != *b"WEBP" {
        return None;
    }
    let (width, height) = if at::<4>(bytes, 12)? == *b"VP8X" {
        let side = |place| {
            let [low, middle, high] = at::<3>(bytes, place)?;
            Some(u32::from_le_bytes([low, middle, high, 0]) + 1)
        };
        let canvas = (side(24)?, side(27)?);
        if has_other_frame(bytes, canvas) {
            return None;
        }
        canvas
    } else {
        webp_frame(bytes, 12)?
    };
    Some(Measured { kind: ImageType::Webp, width, height })
}

/// Returns the sides of the frame whose chunk begins at a place; `None`: another chunk, or one without its header.
fn webp_frame(bytes: &[u8], place: usize) -> Option<(u32, u32)> {
    match &at::<4>(bytes, place)? {
        b"VP8 " if at::<3>(bytes, place + 11)? == [0x9d, 0x01, 0x2a] => {
            let side = |place| Some(u32::from(u16::from_le_bytes(at(bytes, place)?) & 0x3fff));
            Some((side(place + 14)?, side(place + 16)?))
        }
        b"VP8L" if at::<1>(bytes, place + 8)? == [0x2f] => {
            let sides = u32::from_le_bytes(at(bytes, place + 9)?);
            Some(((sides & 0x3fff) + 1, ((sides >> 14) & 0x3fff) + 1))
        }
        _ => None,
    }
}

/// Returns the places at which the chunks of a WebP image begin, and the end of the last one.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(12), move |place: &usize| {
        let length = usize::try_from(u32::from_le_bytes(at(bytes, place + 4)?)).ok()?;
        // A chunk of odd length is filled up.
        Some(place + 8 + length + length % 2)
    })
}

/// Returns whether an extended image has a frame of other sides than its canvas, which alone is shown as its size.
fn has_other_frame(bytes: &[u8], canvas: (u32, u32)) -> bool {
    chunks(bytes).filter_map(|place| webp_frame(bytes, place)).any(|sides| sides != canvas)
}

/// Returns whether a WebP image says that it is animated, or has a part of an animation: its frames have sides of their own.
fn is_animated(bytes: &[u8]) -> bool {
    let is_marked = at::<4>(bytes, 12) == Some(*b"VP8X") && bytes.get(20).is_some_and(|flags| flags & 0x02 != 0);
    let is_part = |place| matches!(at::<4>(bytes, place).as_ref(), Some(b"ANIM" | b"ANMF"));
    is_marked || chunks(bytes).any(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png_of(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend(b"\x08\x06\0\0\0");
        bytes
    }

    fn jpeg_of(width: u16, height: u16) -> Vec<u8> {
        let mut bytes =
            b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xff\xc4\0\x03\0\xff\xc2\0\x11\x08".to_vec();
        bytes.extend(height.to_be_bytes());
        bytes.extend(width.to_be_bytes());
        bytes
    }

    #[test]
    fn a_jpeg_whose_frame_hides_in_what_decoders_do_not_skip_is_refused() {
        let hidden = b"\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03";
        let seen = b"\xff\xc0\0\x11\x08\x01\xe0\x02\x80\x03";
        let lying = |marker: u8| [&[0xff, 0xd8, 0xff, marker, 0, 12][..], hidden, seen].concat();
        for marker in [0x00, 0x02, 0x4f, 0xbf] {
            assert_eq!(measure(&lying(marker)).unwrap_err().code, FaultCode::InvalidFormat, "{marker:x}");
        }
        assert_eq!(sides(&lying(0xe1)), Some((ImageType::Jpeg, 640, 480)), "an application's segment is skipped");
    }

    fn webp_of(chunk: &[u8], data: &[u8]) -> Vec<u8> {
        [&b"RIFF\x40\0\0\0WEBP"[..], chunk, b"\x30\0\0\0", data].concat()
    }

    fn sides(bytes: &[u8]) -> Option<(ImageType, u32, u32)> {
        measure(bytes).ok().map(|Measured { kind, width, height }| (kind, width, height))
    }

    #[test]
    fn the_kind_and_size_are_those_of_the_header() {
        assert_eq!(sides(&png_of(4096, 1)), Some((ImageType::Png, 4096, 1)));
        assert_eq!(sides(&jpeg_of(640, 480)), Some((ImageType::Jpeg, 640, 480)));
        let lossy = webp_of(b"VP8 ", b"\0\0\0\x9d\x01\x2a\x80\x42\xe0\x01");
        assert_eq!(sides(&lossy), Some((ImageType::Webp, 640, 480)), "the two high bits are a scale");
        let lossless = (0x27f_u32 | (0x1df << 14)).to_le_bytes();
        assert_eq!(sides(&webp_of(b"VP8L", &[&[0x2f][..], &lossless].concat())), Some((ImageType::Webp, 640, 480)));
        let extended = webp_of(b"VP8X", b"\x10\0\0\0\x7f\x02\0\xdf\x01\0");
        assert_eq!(sides(&extended), Some((ImageType::Webp, 640, 480)));
    }

    #[test]
    fn an_extended_image_whose_frame_is_larger_than_its_canvas_is_refused() {
        let extended = |scaled: [u8; 4]| {
            let canvas = b"RIFF\x2c\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\x02\0\xdf\x01\0";
            // A chunk of odd length stands before the frame.
            let rest = b"ICCP\x01\0\0\0\0\0VP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a";
            [&canvas[..], rest, &scaled].concat()
        };
        assert_eq!(sides(&extended([0x80, 0x02, 0xe0, 0x01])), Some((ImageType::Webp, 640, 480)));
        let huge = measure(&extended([0xff, 0x3f, 0xff, 0x3f])).unwrap_err();
        assert_eq!(huge.code, FaultCode::InvalidFormat);
    }

    #[test]
    fn an_animated_webp_image_is_refused_by_its_flag_or_by_any_part_of_an_animation() {
        let extended = |flags: u8, rest: &[u8]| {
            let canvas = b"\0\0\0\x7f\x02\0\xdf\x01\0";
            [&b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0"[..], &[flags], canvas, rest].concat()
        };
        let still = b"VP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\x80\x02\xe0\x01";
        assert_eq!(sides(&extended(0x10, still)), Some((ImageType::Webp, 640, 480)));
        // A frame of 16384 × 16384 pixels stands inside its part of the animation.
        let frame = b"ANMF\x1e\0\0\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0\x0a\0\0\0VP8L\x05\0\0\0\x2f\xff\xff\xff\x0f\0";
        for moving in [
            extended(0x02, still),
            extended(0, b"ANIM\x06\0\0\0\0\0\0\0\0\0"),
            extended(0, frame),
            extended(0, &[&b"ICCP\x01\0\0\0\0\0"[..], frame].concat()),
        ] {
            let fault = measure(&moving).unwrap_err();
            assert_eq!(fault.code, FaultCode::InvalidFormat, "{moving:?}");
            assert!(fault.message.contains("animated"), "{moving:?}");
        }
    }

    #[test]
    fn an_image_has_so_many_bytes_and_pixels_and_no_more() {
        let code = |bytes: &[u8]| measure(bytes).unwrap_err().code;
        for huge in [png_of(4097, 1), png_of(1, 40_000), png_of(u32::MAX, u32::MAX), jpeg_of(40_000, 40_000)] {
            assert_eq!(code(&huge), FaultCode::TooLarge);
        }
        assert_eq!(code(&webp_of(b"VP8X", b"\0\0\0\0\xff\xff\xff\xff\xff\xff")), FaultCode::TooLarge);
        for empty in [png_of(0, 1), png_of(1, 0), jpeg_of(1, 0)] {
            assert_eq!(code(&empty), FaultCode::InvalidFormat);
        }
        let mut full = png_of(1, 1);
        full.resize(MOST_BYTES, 0);
        assert!(measure(&full).is_ok());
        full.push(0);
        assert_eq!(code(&full), FaultCode::TooLong);
    }

    #[test]
    fn what_is_no_such_image_is_refused_and_so_is_each_beginning_of_one() {
        for bytes in [
            &b""[..],
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            b"GIF89a\x01\0\x01\0",
            b"BM\0\0",
            b"%PDF-1.7",
            b"<!doctype html>",
            b"\xff\xd8\xff\xda\0\x02",
            b"\xff\xd8\xff\xe0\0\x01\xff\xe0\0\x01",
            b"\xff\xd8\xff\xd9",
        ] {
            assert_eq!(measure(bytes).unwrap_err().code, FaultCode::InvalidFormat, "{bytes:?}");
        }
        for whole in [png_of(1, 1)[..24].to_vec(), jpeg_of(1, 1), webp_of(b"VP8X", b"\0\0\0\0\0\0\0\0\0\0")] {
            assert!(measure(&whole).is_ok());
            for length in 0..whole.len() {
                assert!(measure(&whole[..length]).is_err(), "{length} of {whole:?}");
            }
        }
    }
}
