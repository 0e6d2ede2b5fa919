//! The schema in its definition language.
use std::fmt::{self, Display, Write};

use super::{
    introspection::DIRECTIVES,
    model::{Kind, Member, Model, RootKind, Shape, Type, Use},
};

/// Prints the types by their names, without those that every schema has.
impl Display for Model {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, of) in self.types.iter().filter(|(name, of)| !name.starts_with("__") && !of.is_built_in(name)) {
            write_type(out, name, of)?;
        }
        out.write_str(DIRECTIVES)?;
        out.write_str("schema {\n")?;
        for (word, kind) in
            [("query", RootKind::Query), ("mutation", RootKind::Mutation), ("subscription", RootKind::Subscription)]
        {
            writeln!(out, "  {word}: {}", kind.name())?;
        }
        out.write_str("}\n")
    }
}

impl Display for Use {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shape {
            Shape::Named(name) => out.write_str(name)?,
            Shape::List(item) => write!(out, "[{item}]")?,
        }
        if self.is_nullable { Ok(()) } else { out.write_char('!') }
    }
}

fn write_type(out: &mut fmt::Formatter<'_>, name: &str, of: &Type) -> fmt::Result {
    write_about(out, "", of.about.as_deref())?;
    match &of.kind {
        Kind::Object(fields) => {
            writeln!(out, "type {name} {{")?;
            for field in fields.iter().filter(|field| !field.is_question()) {
                write_field(out, field)?;
            }
            out.write_str("}\n\n")
        }
        Kind::Input(members) => {
            writeln!(out, "input {name} {{")?;
            for member in members {
                write_about(out, "  ", member.about.as_deref())?;
                writeln!(out, "  {}: {}", member.name, member.of)?;
            }
            out.write_str("}\n\n")
        }
        Kind::Enum(words) => {
            writeln!(out, "enum {name} {{")?;
            for word in words {
                writeln!(out, "  {word}")?;
            }
            out.write_str("}\n\n")
        }
        Kind::Union(types) => write!(out, "union {name} = {}\n\n", types.join(" | ")),
        Kind::Scalar(Some(page)) => write!(out, "scalar {name} @specifiedBy(url: \"{page}\")\n\n"),
        Kind::Scalar(None) => write!(out, "scalar {name}\n\n"),
    }
}

fn write_field(out: &mut fmt::Formatter<'_>, field: &Member) -> fmt::Result {
    write_about(out, "  ", field.about.as_deref())?;
    write!(out, "  {}", field.name)?;
    for (number, argument) in field.arguments.iter().enumerate() {
        out.write_str(if number == 0 { "(\n" } else { ",\n" })?;
        write_about(out, "    ", argument.about.as_deref())?;
        write!(out, "    {}: {}", argument.name, argument.of)?;
    }
    if !field.arguments.is_empty() {
        out.write_str("\n  )")?;
    }
    writeln!(out, ": {}", field.of)
}

fn write_about(out: &mut fmt::Formatter<'_>, indent: &str, about: Option<&str>) -> fmt::Result {
    let Some(about) = about else { return Ok(()) };
    writeln!(out, "{indent}\"\"\"")?;
    for line in about.replace("\"\"\"", "\\\"\"\"").split('\n') {
        let line = line.trim_end();
        if line.is_empty() { out.write_char('\n')? } else { writeln!(out, "{indent}{line}")? }
    }
    writeln!(out, "{indent}\"\"\"")
}
