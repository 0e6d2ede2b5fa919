//! Requests: one declaration of a body or a query yields its description and its reader.
use loadmaster_kernel::Fault;

use super::fields::{Fields, Raw, Reader};

impl<'a, T, F: FnOnce(Raw<'a>) -> Result<T, Fault>> Reader<'a, T> for F {
    fn read(self, fields: &mut Fields<'a>, name: &'static str) -> Option<T> {
        fields.value(name, self)
    }
}

pub struct List<F>(usize, F);

/// A list of at most `most` values; in text the values stand between commas.
pub const fn list<T, F: Fn(Raw<'_>) -> Result<T, Fault>>(most: usize, read: F) -> List<F> {
    List(most, read)
}

impl<'a, T, F: Fn(Raw<'_>) -> Result<T, Fault>> Reader<'a, Vec<T>> for List<F> {
    fn read(self, fields: &mut Fields<'a>, name: &'static str) -> Option<Vec<T>> {
        fields.list(name, self.0, self.1)
    }
}

pub struct Set<F>(List<F>);

/// As [`list`]; sorted, without duplicates.
pub const fn set<T: Ord, F: Fn(Raw<'_>) -> Result<T, Fault>>(most: usize, read: F) -> Set<F> {
    Set(list(most, read))
}

impl<'a, T: Ord, F: Fn(Raw<'_>) -> Result<T, Fault>> Reader<'a, Vec<T>> for Set<F> {
    fn read(self, fields: &mut Fields<'a>, name: &'static str) -> Option<Vec<T>> {
        let mut values: Vec<T> = self.0.read(fields, name)?;
        values.sort_unstable();
        values.dedup();
        Some(values)
    }
}

pub struct Object<F>(F);

/// A nested object, read by the `read` of its declaration.
pub const fn object<'a, T, F: FnOnce(&mut Fields<'a>) -> Option<T>>(read: F) -> Object<F> {
    Object(read)
}

impl<'a, T, F: FnOnce(&mut Fields<'a>) -> Option<T>> Reader<'a, T> for Object<F> {
    fn read(self, fields: &mut Fields<'a>, name: &'static str) -> Option<T> {
        fields.object(name, self.0)
    }
}

pub struct Objects<F>(usize, F);

/// A list of at most `most` objects.
pub const fn objects<'a, T, F: Fn(&mut Fields<'a>) -> Option<T>>(most: usize, read: F) -> Objects<F> {
    Objects(most, read)
}

impl<'a, T, F: Fn(&mut Fields<'a>) -> Option<T>> Reader<'a, Vec<T>> for Objects<F> {
    fn read(self, fields: &mut Fields<'a>, name: &'static str) -> Option<Vec<T>> {
        fields.objects(name, self.0, self.1)
    }
}

pub struct With<F>(F);

/// A value computed from the members beside it, too.
pub const fn with<'a, T, F: FnOnce(&mut Fields<'a>) -> Option<T>>(read: F) -> With<F> {
    With(read)
}

impl<'a, T, F: FnOnce(&mut Fields<'a>) -> Option<T>> Reader<'a, T> for With<F> {
    fn read(self, fields: &mut Fields<'a>, _: &'static str) -> Option<T> {
        (self.0)(fields)
    }
}

/// Declares the members of a request, each once: name, type, and how its value is read. From it come the struct, its
/// description in OpenAPI, and `read(&mut Fields) -> Option<Self>`, which collects all faults. The type decides:
///
/// - `Option<T>` may be absent, and so may `Vec<T>`, which is then empty. Any other type is required.
/// - `Inferred<T>` is a `T` that may be absent: its reader, made by `with`, infers it from others or records a fault.
/// - `Patch<T>` is a member of a merge patch that `null` clears. In a patch, `null` for an `Option<T>` is a fault.
///
/// The readers see the arguments of the declaration and, as `Option`s, the members before them: this allows checks that
/// involve several members. `Vec`, `Inferred` and `Patch` are for bodies.
///
/// ```text
/// request! {
///     /// What to change.
///     pub struct ChangeThing in patch(catalogue: &Catalogue) {
///         /// Among those that exist.
///         colour: Option<Colour> = |raw| catalogue.read_colour(raw),
///         #[schema(max_length = 500)]
///         note: Patch<String> = read::line(read::LINE),
///     }
/// }
/// ```
///
/// A `body` or `patch` derives `ToSchema`, and takes `#[schema(…)]` on its members; a `query` derives `IntoParams`, and takes
/// `#[param(…)]`.
#[macro_export]
macro_rules! request {
    ($(#[$($meta:tt)*])* $vis:vis struct $name:ident in $kind:ident $(($($arg:ident: $type:ty),+))? { $($members:tt)* }) => {
        $crate::web::request!(@$kind fields [$(#[$($meta)*])* $vis struct $name] [$name $($(, $arg: $type)+)?] {} {} {}
            $($members)*);
    };

    (@patch $fields:ident $header:tt $args:tt {$($member:tt)*} {$($read:tt)*} {$($value:tt)*}
        $(#[$($meta:tt)*])* $name:ident: Option<$type:ty> = $reader:expr, $($rest:tt)*) => {
        $crate::web::request!(@patch $fields $header $args
            {$($member)* $(#[$($meta)*])* #[schema(nullable = false)] pub $name: Option<$type>,}
            {$($read)* let $name = $fields.not_null(stringify!($name), $reader);}
            {$($value)* $name,} $($rest)*);
    };
    (@$kind:ident $fields:ident $header:tt $args:tt {$($member:tt)*} {$($read:tt)*} {$($value:tt)*}
        $(#[$($meta:tt)*])* $name:ident: Option<$type:ty> = $reader:expr, $($rest:tt)*) => {
        $crate::web::request!(@$kind $fields $header $args
            {$($member)* $(#[$($meta)*])* pub $name: Option<$type>,}
            {$($read)* let $name = $fields.optional(stringify!($name), $reader);}
            {$($value)* $name,} $($rest)*);
    };
    (@$kind:ident $fields:ident $header:tt $args:tt {$($member:tt)*} {$($read:tt)*} {$($value:tt)*}
        $(#[$($meta:tt)*])* $name:ident: Patch<$type:ty> = $reader:expr, $($rest:tt)*) => {
        $crate::web::request!(@$kind $fields $header $args
            {$($member)* $(#[$($meta)*])* #[schema(value_type = Option<$type>)] pub $name: $crate::web::Patch<$type>,}
            {$($read)* let $name = $fields.patch(stringify!($name), $reader);}
            {$($value)* $name,} $($rest)*);
    };
    (@$kind:ident $fields:ident $header:tt $args:tt {$($member:tt)*} {$($read:tt)*} {$($value:tt)*}
        $(#[$($meta:tt)*])* $name:ident: Inferred<$type:ty> = $reader:expr, $($rest:tt)*) => {
        $crate::web::request!(@$kind $fields $header $args
            {$($member)* $(#[$($meta)*])* #[schema(value_type = Option<$type>)] pub $name: $type,}
            {$($read)* let $name = $fields.optional(stringify!($name), $reader);}
            {$($value)* $name: $name?,} $($rest)*);
    };
    (@$kind:ident $fields:ident $header:tt $args:tt {$($member:tt)*} {$($read:tt)*} {$($value:tt)*}
        $(#[$($meta:tt)*])* $name:ident: Vec<$type:ty> = $reader:expr, $($rest:tt)*) => {
        $crate::web::request!(@$kind $fields $header $args
            {$($member)* $(#[$($meta)*])* #[schema(value_type = Option<Vec<$type>>)] pub $name: Vec<$type>,}
            {$($read)* let $name = $fields.optional(stringify!($name), $reader);}
            {$($value)* $name: $name.unwrap_or_default(),} $($rest)*);
    };
    (@$kind:ident $fields:ident $header:tt $args:tt {$($member:tt)*} {$($read:tt)*} {$($value:tt)*}
        $(#[$($meta:tt)*])* $name:ident: $type:ty = $reader:expr, $($rest:tt)*) => {
        $crate::web::request!(@$kind $fields $header $args
            {$($member)* $(#[$($meta)*])* pub $name: $type,}
            {$($read)* let $name = $fields.required(stringify!($name), $reader);}
            {$($value)* $name: $name?,} $($rest)*);
    };

    (@query $fields:ident [$($header:tt)*] $args:tt {$($member:tt)*} $read:tt $value:tt) => {
        #[derive(Debug, Clone, utoipa::IntoParams)]
        #[into_params(parameter_in = Query)]
        $($header)* { $($member)* }

        $crate::web::request!(@read $fields $args $read $value);
    };
    (@$kind:ident $fields:ident [$($header:tt)*] $args:tt {$($member:tt)*} $read:tt $value:tt) => {
        #[derive(Debug, Clone, utoipa::ToSchema)]
        $($header)* { $($member)* }

        $crate::web::request!(@read $fields $args $read $value);
    };
    (@read $fields:ident [$name:ident $(, $arg:ident: $type:ty)*] {$($read:tt)*} {$($value:tt)*}) => {
        impl $name {
            /// `None` after a fault.
            #[allow(clippy::unnecessary_wraps, reason = "a request without required members is read as others are")]
            pub fn read($fields: &mut $crate::web::Fields<'_> $(, $arg: $type)*) -> Option<Self> {
                $($read)*
                Some(Self { $($value)* })
            }
        }
    };
}

pub use request;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use utoipa::PartialSchema;

    use super::*;
    use crate::web::{Patch, read};

    request! {
        /// Of all kinds.
        #[derive(Default, PartialEq)]
        struct Note in body(longest: usize) {
            /// In one line.
            title: String = read::line(longest),
            #[schema(maximum = 9)]
            stars: Option<u32> = |raw| not_below(raw, title.as_ref().map_or(0, String::len)),
            tags: Vec<String> = set(2, read::any),
        }
    }

    request! {
        /// A change of it.
        #[derive(Default, PartialEq)]
        struct NotePatch in patch {
            title: Option<String> = read::line(9),
            stars: Patch<u32> = read::integer(0, 9),
            notes: Patch<Vec<Note>> = objects(2, |inner| Note::read(inner, 3)),
        }
    }

    fn not_below(raw: Raw<'_>, least: usize) -> Result<u32, Fault> {
        read::integer(u32::try_from(least).unwrap(), 9)(raw)
    }

    fn parsed<T>(body: &Value, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Result<T, Vec<String>> {
        let mut fields = Fields::of_body(body.as_object().unwrap());
        let value = read(&mut fields);
        let faults: Vec<_> = fields.finish().into_iter().map(|fault| fault.message).collect();
        if faults.is_empty() { Ok(value.unwrap()) } else { Err(faults) }
    }

    fn note(body: &Value) -> Result<Note, Vec<String>> {
        parsed(body, |fields| Note::read(fields, 5))
    }

    #[test]
    fn types_decide_what_may_be_absent() {
        let bare = Note { title: "abc".to_owned(), ..Note::default() };
        assert_eq!(note(&json!({"title": "abc"})), Ok(bare.clone()));
        assert_eq!(note(&json!({"title": "abc", "stars": null, "tags": null})), Ok(bare.clone()));
        let full = Note { stars: Some(3), tags: vec!["a".to_owned(), "b".to_owned()], ..bare };
        assert_eq!(note(&json!({"title": "abc", "stars": 3, "tags": ["b", "a"]})), Ok(full));
    }

    #[test]
    fn all_faults_are_reported_also_those_beside_members_before() {
        let faults = note(&json!({"title": "abcdef", "stars": 10, "tags": ["a", "b", "c"], "colour": 1})).unwrap_err();
        let expected = [
            "`title` must have at most 5 characters.",
            "`stars` must be at most 9.",
            "`tags` must have at most 2 entries.",
            "`colour` is not a member of this object.",
        ];
        assert_eq!(faults, expected);
        assert_eq!(note(&json!({"stars": 1})).unwrap_err(), ["`title` is required."]);
        assert_eq!(note(&json!({"title": "abc", "stars": 2})).unwrap_err(), ["`stars` must be at least 3."]);
    }

    #[test]
    fn null_clears_what_a_patch_may_clear() {
        let patch = |body: Value| parsed(&body, NotePatch::read);
        assert_eq!(patch(json!({})), Ok(NotePatch::default()));
        let cleared = NotePatch { title: None, stars: Patch::Clear, notes: Patch::Clear };
        assert_eq!(patch(json!({"stars": null, "notes": null})), Ok(cleared));
        assert_eq!(patch(json!({"title": null})).unwrap_err(), ["`title` cannot be cleared."]);
        let faults = patch(json!({"notes": [{"title": "abc"}, {"title": "abcd"}]})).unwrap_err();
        assert_eq!(faults, ["`notes.1.title` must have at most 3 characters."]);
    }

    #[test]
    fn declared_requests_describe_their_members() {
        let described = serde_json::to_value(Note::schema()).unwrap();
        assert_eq!(described["required"], json!(["title"]));
        assert_eq!(described["properties"]["title"]["description"], "In one line.");
        assert_eq!(described["properties"]["stars"]["maximum"], 9);
        assert_eq!(described["properties"]["tags"]["type"], json!(["array", "null"]));
        let described = serde_json::to_value(NotePatch::schema()).unwrap();
        assert_eq!(described["required"], Value::Null);
        assert_eq!(described["properties"]["title"]["type"], "string");
        assert_eq!(described["properties"]["stars"]["type"], json!(["integer", "null"]));
    }
}
