//! Closed lists of words: the names of statuses, actions and event types on the wire and in their columns.

/// Declares an enum whose variants each have one word, the same in JSON, in queries and in the database. The word is
/// taken as a bare token: utoipa does not see a `literal` through its macro's wrapping, and would describe the
/// variant's name.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $word:tt,)+ }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            #[allow(dead_code, reason = "not every list of words is read")]
            pub const WORDS: &[(&'static str, Self)] = &[$(($word, Self::$variant),)+];
            #[allow(dead_code, reason = "not every list of words is registered")]
            pub const NAMES: &[&'static str] = &[$($word,)+];

            #[allow(dead_code, reason = "not every list of words is written")]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

/// Converts the word of a column to its variant; a check of the table excludes every other word.
pub fn from_column<T: Copy>(words: &[(&'static str, T)], word: &str) -> sqlx::Result<T> {
    let known = words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
    known.ok_or_else(|| sqlx::Error::Decode(format!("unknown word {word}").into()))
}
