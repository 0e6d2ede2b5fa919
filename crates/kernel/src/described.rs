//! Patterns, formats and minima of these types in the API's description. The schemas of messages, which have the same types, do
//! not get them: they keep to what they have said.

/// Texts with a pattern that leaves out more: no airline has two digits.
pub const PATTERNS: [(&str, &str); 1] = [("FlightNumber", "^([A-Z][A-Z0-9]|[0-9][A-Z])[1-9][0-9]{0,3}[A-Z]?$")];

/// Texts with a format of their own: no pattern says what the check digit is.
pub const FORMATS: [(&str, &str); 1] = [("AwbNumber", "awb-number")];

/// Quantities that are 0 in answers, but never in requests, each with the least that can be sent.
pub const POSITIVE: [(&str, f64); 2] = [("Weight", 0.1), ("Volume", 0.001)];
