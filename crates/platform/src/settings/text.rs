//! One deserializer for values that are still text (environment, command line) and values that are already TOML: the
//! field's type determines the meaning of a text, so that a password of digits stays text.
use serde::{
    Deserializer, de,
    de::{
        Error as _, IntoDeserializer, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use toml::de::Error;

#[derive(Clone)]
pub(super) enum Given {
    Toml(toml::Value),
    Text(String),
}

impl IntoDeserializer<'_, Error> for Given {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! whole_numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self {
                Self::Toml(value) => value.deserialize_any(visitor),
                Self::Text(text) => match text.trim().parse() {
                    Ok(number) => visitor.visit_i64(number),
                    Err(_) => Err(Error::custom(format_args!("`{text}` is not a whole number"))),
                },
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Given {
    type Error = Error;

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Toml(value) => value.deserialize_any(visitor),
            Self::Text(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Self::Text(text) = self else { return self.deserialize_any(visitor) };
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => visitor.visit_bool(true),
            "false" | "0" => visitor.visit_bool(false),
            _ => Err(Error::custom(format_args!("`{text}` is not one of true, false, 1, 0"))),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Self::Text(text) = self else { return self.deserialize_any(visitor) };
        if text.trim_start().starts_with('[') {
            return literal(&text)?.deserialize_any(visitor);
        }
        visitor.visit_seq(SeqDeserializer::new(items(&text).map(|item| Self::Text(item.into()))))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Self::Text(text) = self else { return self.deserialize_any(visitor) };
        if text.trim_start().starts_with('{') {
            return literal(&text)?.deserialize_any(visitor);
        }
        let pairs = items(&text).map(|item| match item.split_once('=') {
            Some((key, value)) => Ok((key.trim().to_owned(), Self::Text(value.trim().into()))),
            None => Err(Error::custom(format_args!("`{item}` is not of the form NAME=VALUE"))),
        });
        let pairs: Vec<(String, Self)> = pairs.collect::<Result<_, _>>()?;
        visitor.visit_map(MapDeserializer::new(pairs.into_iter()))
    }

    /// The presence of an optional setting is determined earlier.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// A text is a table as TOML writes it in one line.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) if text.trim_start().starts_with('{') => literal(&text)?.deserialize_any(visitor),
            given => given.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Toml(value) => value.deserialize_enum(name, variants, visitor),
            Self::Text(text) => visitor.visit_enum(text.into_deserializer()),
        }
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct identifier
        ignored_any
    }
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn literal(text: &str) -> Result<toml::Value, Error> {
    let wrapped: Result<toml::Table, Error> = toml::from_str(&format!("value = {text}"));
    wrapped.ok().and_then(|mut table| table.remove("value")).ok_or_else(|| Error::custom("this is not valid TOML"))
}

/// Returns the names of a struct's fields, from its `Deserialize`: there is no second list of settings.
pub(super) fn fields<T: de::DeserializeOwned>() -> &'static [&'static str] {
    let mut found: &[&str] = &[];
    // Always an error: the struct only reports its field names.
    _ = T::deserialize(Ask(&mut found));
    found
}

struct Ask<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Ask<'_> {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("only asked for its fields"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
