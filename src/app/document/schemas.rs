//! What the derived schemas of requests leave open, and readers refuse: members that are not named, `null` for a body, texts
//! that are empty or have control characters, times far away, weights of nothing.
use std::collections::BTreeSet;

use loadmaster_kernel::described::{FORMATS, PATTERNS, POSITIVE};
use utoipa::openapi::{
    Components, Content, Object, ObjectBuilder, OneOf, Paths, RefOr, Schema, Type,
    path::{Operation, Parameter, ParameterIn},
    schema::{AdditionalProperties, AllOf, ArrayItems, KnownFormat, SchemaFormat, SchemaType},
};

use super::{name_of, operations, responses};

/// Calendar dates and instants that are read.
const DATE: &str = "^(19[7-9][0-9]|2[01][0-9]{2})-[0-9]{2}-[0-9]{2}$";
const INSTANT: &str = "^(19[7-9][0-9]|2[01][0-9]{2})-.+$";
/// Texts of one line, and those in which lines may be broken. All languages read `\x`; some that clients are written in do
/// not read `\u`.
pub(super) const LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
const PROSE: &str = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x08\x0b-\x1f\x7f-\x9f]*$";
const OF_PROSE: [&str; 3] = ["notes", "description", "reason"];

/// The forms of headers that are read.
const KEY: &str = r#"^([!-~]{1,255}|"[!-~]{1,255}")$"#;
const TAGS: &str = r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#;

/// The list of what an action on many things applies to: it names nothing twice.
const IDS: &str = "ids";

/// The media type of workbooks.
const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Closes the schemas of all that is sent.
pub(super) fn close(paths: &mut Paths, components: &mut Components) {
    let mut sent = Sent::default();
    for (_, _, operation) in operations(paths) {
        describe_files(operation);
        for parameter in operation.parameters.iter_mut().flatten() {
            if let RefOr::T(parameter) = parameter {
                close_parameter(parameter);
            }
        }
        let Some(RefOr::T(body)) = &mut operation.request_body else { continue };
        for content in body.content.values_mut() {
            if let RefOr::T(content) = content
                && let Some(schema) = &mut content.schema
            {
                without_null(schema);
                sent.close("", schema);
            }
        }
    }
    for (name, least) in POSITIVE {
        if let Some(RefOr::T(Schema::Object(known))) = components.schemas.get(name) {
            let mut positive = known.clone();
            positive.minimum = Some(least.into());
            components.schemas.insert(positive_name(name), Schema::Object(positive).into());
        }
    }
    for (name, format) in FORMATS {
        if let Some(RefOr::T(Schema::Object(text))) = components.schemas.get_mut(name) {
            text.format = Some(SchemaFormat::Custom(format.to_owned()));
        }
    }
    for (name, pattern) in PATTERNS {
        if let Some(RefOr::T(Schema::Object(text))) = components.schemas.get_mut(name) {
            text.pattern = Some(pattern.to_owned());
        }
    }
    let mut closed = BTreeSet::new();
    while let Some(name) = sent.found.pop_first() {
        if closed.insert(name.clone())
            && let Some(schema) = components.schemas.get_mut(&name)
        {
            sent.close("", schema);
        }
    }
}

fn positive_name(name: &str) -> String {
    format!("Positive{name}")
}

/// A table is text or a workbook, and an image is bytes: not numbers.
fn describe_files(operation: &mut Operation) {
    let bytes = || {
        let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).format(Some(binary)).build()
    };
    let describe = |media_type: &String, content: &mut RefOr<Content>, is_sent: bool| {
        let is_table = media_type == WORKBOOK || (is_sent && media_type == "text/csv");
        let is_file = is_table || media_type.starts_with("image/");
        if let (true, RefOr::T(content)) = (is_file, content) {
            content.schema = Some(bytes().into());
        }
    };
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.content.iter_mut().for_each(|(media_type, content)| describe(media_type, content, true));
    }
    for (_, response) in responses(operation) {
        response.content.iter_mut().for_each(|(media_type, content)| describe(media_type, content, false));
    }
}

/// A parameter is text: it may be left out, and is never `null`.
fn close_parameter(parameter: &mut Parameter) {
    let Some(schema) = &mut parameter.schema else { return };
    without_null(schema);
    let RefOr::T(Schema::Object(object)) = schema else { return };
    if let SchemaType::Array(kinds) = &mut object.schema_type {
        kinds.retain(|kind| *kind != Type::Null);
        if let [kind] = kinds[..].to_vec().as_slice() {
            object.schema_type = SchemaType::Type(kind.clone());
        }
    }
    match (&parameter.parameter_in, parameter.name.as_str()) {
        (ParameterIn::Header, "Idempotency-Key") => object.pattern = Some(KEY.to_owned()),
        (ParameterIn::Header, "If-Match") => object.pattern = Some(TAGS.to_owned()),
        // More than the most means the most.
        (ParameterIn::Query, "limit") => object.format = None,
        (ParameterIn::Query, name) => close_text(name, object),
        _ => {}
    }
}

/// A body that may be left out is not `null`.
fn without_null(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::OneOf(choice)) = schema else { return };
    if choice.items.iter().any(is_null)
        && let Some(body) = choice.items.iter().find(|item| !is_null(item))
    {
        *schema = body.clone();
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

/// The named schemas that requests refer to.
#[derive(Default)]
struct Sent {
    found: BTreeSet<String>,
}

impl Sent {
    /// Closes the schema of a member with this name, and those within it.
    fn close(&mut self, name: &str, schema: &mut RefOr<Schema>) {
        let known = match schema {
            RefOr::Ref(reference) => {
                let target = name_of(reference).to_owned();
                if POSITIVE.iter().any(|(name, _)| *name == target) {
                    reference.ref_location = reference.ref_location.replace(&target, &positive_name(&target));
                } else {
                    self.found.insert(target);
                }
                return;
            }
            RefOr::T(known) => known,
        };
        if let Schema::AllOf(parts) = known
            && let Some(whole) = joined(parts)
        {
            *known = Schema::Object(whole);
        }
        match known {
            Schema::Object(object) => {
                self.close_object(object);
                close_text(name, object);
                if let Some(choice) = with_null_apart(object) {
                    *known = Schema::OneOf(choice);
                }
            }
            Schema::Array(list) => {
                list.unique_items |= name == IDS;
                if let ArrayItems::RefOrSchema(entry) = &mut list.items {
                    self.close(name, entry);
                }
            }
            Schema::OneOf(choice) => choice.items.iter_mut().for_each(|item| self.close(name, item)),
            Schema::AllOf(parts) => parts.items.iter_mut().for_each(|item| self.close(name, item)),
            Schema::AnyOf(choice) => choice.items.iter_mut().for_each(|item| self.close(name, item)),
            _ => {}
        }
    }

    fn close_object(&mut self, object: &mut Object) {
        if !object.properties.is_empty() {
            object.additional_properties.get_or_insert_with(|| Box::new(AdditionalProperties::FreeForm(false)));
        }
        if let Some(AdditionalProperties::RefOr(values)) = object.additional_properties.as_deref_mut() {
            self.close("", values);
        }
        for (name, member) in &mut object.properties {
            self.close(name, member);
            if let RefOr::T(Schema::Object(member)) = member {
                describe_default(member);
            }
        }
    }
}

/// Makes one object of those that are declared in parts; `None` if one of them is declared elsewhere.
fn joined(parts: &AllOf) -> Option<Object> {
    let mut whole = Object::new();
    whole.description.clone_from(&parts.description);
    for part in &parts.items {
        let RefOr::T(Schema::Object(part)) = part else { return None };
        whole.properties.extend(part.properties.clone());
        whole.required.extend(part.required.clone());
    }
    Some(whole)
}

/// Generators take a member with a `default` for one that is always there: the text says it instead.
fn describe_default(member: &mut Object) {
    if let Some(default) = member.default.take() {
        let text = member.description.take().map(|text| format!("{text} ")).unwrap_or_default();
        member.description = Some(format!("{text}Default: `{default}`."));
    }
}

fn is_text(object: &Object) -> bool {
    match &object.schema_type {
        SchemaType::Type(kind) => *kind == Type::String,
        SchemaType::Array(kinds) => kinds.contains(&Type::String),
        SchemaType::AnyValue => false,
    }
}

/// Says which texts are read.
fn close_text(name: &str, object: &mut Object) {
    if !is_text(object) || object.enum_values.is_some() || object.pattern.is_some() {
        return;
    }
    match &object.format {
        Some(SchemaFormat::KnownFormat(KnownFormat::Date)) => object.pattern = Some(DATE.to_owned()),
        Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)) => object.pattern = Some(INSTANT.to_owned()),
        Some(SchemaFormat::KnownFormat(KnownFormat::Password)) => object.pattern = Some(LINE.to_owned()),
        None if name == "email" => object.format = Some(SchemaFormat::KnownFormat(KnownFormat::Email)),
        None if name == "url" => object.format = Some(SchemaFormat::Custom("uri".to_owned())),
        None => {
            object.min_length.get_or_insert(1);
            let text = if OF_PROSE.contains(&name) { PROSE } else { LINE };
            object.pattern = Some(text.to_owned());
        }
        Some(_) => {}
    }
}

/// Generators of requests look at a format only where a value has one type.
fn with_null_apart(object: &Object) -> Option<OneOf> {
    let SchemaType::Array(kinds) = &object.schema_type else { return None };
    let [kind] = kinds.iter().filter(|kind| **kind != Type::Null).collect::<Vec<_>>()[..] else { return None };
    let is_nullable = kinds.contains(&Type::Null) && is_text(object) && object.format.is_some();
    is_nullable.then(|| {
        let mut value = object.clone();
        value.schema_type = SchemaType::Type(kind.clone());
        let null = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null)).build();
        let mut choice = OneOf::new();
        choice.items = vec![Schema::Object(value).into(), Schema::Object(null).into()];
        choice
    })
}
