//! Why a document is refused before anything of it runs.

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfit {
    TooComplex(String),
    Invalid(String),
}
