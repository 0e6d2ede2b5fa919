use std::borrow::Cow;

use loadmaster_kernel::canonical_reference;
use percent_encoding::percent_decode_str;
use uuid::Uuid;

/// The longest path, in its canonical form, that is accepted with a key, in bytes. All addresses of the API are
/// shorter, and PostgreSQL indexes some 2,700 bytes of principal, method, path and key together.
pub(super) const LONGEST: usize = 512;

/// Returns the path with each segment in one form, independent of the client's spelling: without needless
/// percent-encoding, references in capitals, UUIDs in lower case with dashes. Stored answers about a resource are found
/// by its name in here.
pub(super) fn canonical(path: &str) -> String {
    let mut canonical = String::with_capacity(path.len());
    for (number, segment) in path.split('/').enumerate() {
        if number > 0 {
            canonical.push('/');
        }
        canonical.push_str(&canonical_segment(segment));
    }
    canonical
}

fn canonical_segment(written: &str) -> Cow<'_, str> {
    let Ok(text) = percent_decode_str(written).decode_utf8() else { return written.into() };
    // Text that would change its meaning when decoded stays as it is written.
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'%')) {
        return written.into();
    }
    if let Some(reference) = canonical_reference(&text) {
        return reference.into();
    }
    match text.parse::<Uuid>() {
        Ok(id) => id.to_string().into(),
        Err(_) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_has_one_path() {
        let booking = "/api/v1/bookings/ACB123456789/depart";
        for written in [
            booking,
            "/api/v1/bookings/acb123456789/depart",
            "/api/v1/bookings/%41%43%42123456789/depart",
            "/api/v1/bookings/%61cB12345678%39/depart",
        ] {
            assert_eq!(canonical(written), booking, "{written}");
        }
        let flight = "/api/v1/flights/0189abcd-0000-7000-8000-00000000000f";
        for id in [
            "0189ABCD-0000-7000-8000-00000000000F",
            "0189abcd00007000800000000000000f",
            "%7B0189abcd-0000-7000-8000-00000000000f%7d",
        ] {
            assert_eq!(canonical(&format!("/api/v1/flights/{id}")), flight, "{id}");
        }
    }

    #[test]
    fn different_paths_remain_different() {
        let different = [
            "/a%2Fb", "/a/b", "/a%252Fb", "/%2541", "/A", "/a", "/%00", "/%20A", "/%C3%A9", "/%ff", "/", "//", "",
            "/A/",
        ];
        for (at, one) in different.iter().enumerate() {
            for other in &different[at + 1..] {
                assert_ne!(canonical(one), canonical(other), "{one} and {other}");
            }
        }
        assert_eq!(canonical("/%41%2D/x"), "/A-/x");
    }
}
