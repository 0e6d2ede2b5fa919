//! The templates that ship.

/// Declares the templates of types, each with its endings, in every language that ships: a missing file is a compile error.
macro_rules! template_files {
    ($($kind:literal: $($ending:literal)+;)+) => {
        &[$($(
            (
                concat!("en/", $kind, $ending),
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/templates/en/", $kind, $ending)),
            ),
            (
                concat!("de/", $kind, $ending),
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/templates/de/", $kind, $ending)),
            ),
        )+)+]
    };
}

pub(crate) use template_files;
