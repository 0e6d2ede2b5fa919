use std::borrow::Cow;

use chrono::NaiveDate;

/// A fault of one value that was sent. The set is part of the public contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultCode {
    Required,
    UnknownField,
    WrongType,
    TooSmall,
    TooLarge,
    TooShort,
    TooLong,
    TooPrecise,
    InvalidFormat,
    UnknownValue,
    SameAsOrigin,
    OutOfOrder,
    NotAllowed,
    /// It contradicts other values that were sent or are kept.
    Inconsistent,
}

impl FaultCode {
    pub const ALL: [Self; 14] = [
        Self::Required,
        Self::UnknownField,
        Self::WrongType,
        Self::TooSmall,
        Self::TooLarge,
        Self::TooShort,
        Self::TooLong,
        Self::TooPrecise,
        Self::InvalidFormat,
        Self::UnknownValue,
        Self::SameAsOrigin,
        Self::OutOfOrder,
        Self::NotAllowed,
        Self::Inconsistent,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::UnknownField => "unknown_field",
            Self::WrongType => "wrong_type",
            Self::TooSmall => "too_small",
            Self::TooLarge => "too_large",
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::TooPrecise => "too_precise",
            Self::InvalidFormat => "invalid_format",
            Self::UnknownValue => "unknown_value",
            Self::SameAsOrigin => "same_as_origin",
            Self::OutOfOrder => "out_of_order",
            Self::NotAllowed => "not_allowed",
            Self::Inconsistent => "inconsistent",
        }
    }
}

/// Why a value cannot be taken: a code for programs, a clause for people that reads after the member's name
/// ("must be a three-letter IATA airport code").
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    pub code: FaultCode,
    pub message: Cow<'static, str>,
}

impl Fault {
    pub fn new(code: FaultCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    pub fn format(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FaultCode::InvalidFormat, message)
    }
}

/// Returns the fault of a last day before the first, which the member `of` has.
pub fn fault_of_end(first: NaiveDate, last: NaiveDate, of: &'static str) -> Option<Fault> {
    (last < first).then(|| Fault::new(FaultCode::OutOfOrder, format!("must not be before `{of}`")))
}
