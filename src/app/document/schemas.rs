//! What the derived schemas of requests leave open, and readers refuse: members that are not named, `null` for a body, texts
//! that are empty or have control characters, times far away, weights of nothing.
use std::collections::BTreeSet;

use loadmaster_embargoes::MOST_HANDLING_CODES;
use loadmaster_shipment::MOST_CONTACTS;
use utoipa::openapi::{
    Components, Content, Object, ObjectBuilder, OneOf, Paths, Ref, RefOr, Schema, Type,
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
/// Texts that have one form, by the name of their member or parameter.
const FORMS: [(&str, &str); 7] = [
    ("country", "^[A-Za-z]{2}$"),
    ("country_code", "^[A-Za-z]{2}$"),
    ("discount_code", "^[A-Za-z0-9._-]+$"),
    ("language", "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"),
    ("payment_token", "^[!-~]+$"),
    ("product", "^[A-Za-z0-9-]+$"),
    ("special_handling_codes", "^[A-Za-z]{3}(,[A-Za-z]{3}){0,8}$"),
];

/// The forms of headers that are read.
const KEY: &str = r#"^([!-~]{1,255}|"[!-~]{1,255}")$"#;
const TAGS: &str = r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#;

/// Quantities that are 0 in answers, but never in requests, each with the least that can be sent.
const POSITIVE: [(&str, f64); 2] = [("Weight", 0.1), ("Volume", 0.001)];
/// Query parameters that are codes, and their schemas.
const CODES: [(&str, &str); 5] = [
    ("origin", "AirportCode"),
    ("destination", "AirportCode"),
    ("airline", "AirlineCode"),
    ("flight_number", "FlightNumber"),
    ("ref_id", "BookingRef"),
];
/// The list that may not be empty.
const REQUIRED_ENTRY: &str = "require_any";
/// Days of the week, 1 (Monday) to 7.
const WEEKDAYS: &str = "weekdays";
/// Lists that name nothing twice.
const UNIQUE: [&str; 3] = ["ids", "left_behind", "offload"];

/// No airline has two digits. Messages say less of their flight numbers, and keep to what they have said.
const FLIGHT_NUMBER: &str = "^([A-Z][A-Z0-9]|[0-9][A-Z])[1-9][0-9]{0,3}[A-Z]?$";
/// The format of air waybill numbers: no pattern says what their check digit is.
const AWB: &str = "awb-number";

/// The media type of workbooks.
const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Closes the schemas of all that is sent.
pub(super) fn close(paths: &mut Paths, components: &mut Components) {
    let mut sent = Sent::default();
    for (_, _, operation) in operations(paths) {
        describe_tables(operation);
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
                // The only list that is a whole body.
                if let RefOr::T(Schema::Array(contacts)) = schema {
                    contacts.max_items = Some(MOST_CONTACTS);
                }
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
    if let Some(RefOr::T(Schema::Object(number))) = components.schemas.get_mut("AwbNumber") {
        number.format = Some(SchemaFormat::Custom(AWB.to_owned()));
    }
    if let Some(RefOr::T(Schema::Object(number))) = components.schemas.get_mut("FlightNumber") {
        number.pattern = Some(FLIGHT_NUMBER.to_owned());
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

/// A table is text or a workbook, not numbers.
fn describe_tables(operation: &mut Operation) {
    let bytes = || {
        let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).format(Some(binary)).build()
    };
    let describe = |media_type: &String, content: &mut RefOr<Content>, is_sent: bool| {
        let is_table = media_type == WORKBOOK || (is_sent && media_type == "text/csv");
        if let (true, RefOr::T(content)) = (is_table, content) {
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
        (ParameterIn::Query, name) => match CODES.iter().find(|(code, _)| *code == name) {
            Some((_, code)) if is_plain_text(object) => *schema = Ref::from_schema_name(*code).into(),
            _ => close_text(name, object),
        },
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
                list.unique_items |= UNIQUE.contains(&name);
                if name == REQUIRED_ENTRY {
                    (list.min_items, list.max_items) = (Some(1), Some(MOST_HANDLING_CODES));
                }
                if let ArrayItems::RefOrSchema(entry) = &mut list.items {
                    self.close(name, entry);
                    if let (WEEKDAYS, RefOr::T(Schema::Object(day))) = (name, &mut **entry) {
                        (day.minimum, day.maximum) = (Some(1.into()), Some(7.into()));
                    }
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
                tell_default(member);
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
fn tell_default(member: &mut Object) {
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

fn is_plain_text(object: &Object) -> bool {
    is_text(object) && object.enum_values.is_none() && object.pattern.is_none() && object.format.is_none()
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
            let of_name = FORMS.iter().find(|(known, _)| *known == name).map(|(_, form)| *form);
            let text = if OF_PROSE.contains(&name) { PROSE } else { LINE };
            object.pattern = Some(of_name.unwrap_or(text).to_owned());
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
