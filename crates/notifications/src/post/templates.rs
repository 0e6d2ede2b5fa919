use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::OnceLock,
};

use anyhow::{Context, bail};
use loadmaster_platform::web::Raw;
use loadmaster_shipment::read_language;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context, syntax::SyntaxConfig};

use super::{
    forms,
    model::{Channel, Templates},
    shipped::template_files,
};

/// The language of receivers for whom no other has the templates.
const ENGLISH: &str = "en";
/// What HTML templates extend; those of a language without one of its own extend that of its less special form (`de` for `de-at`), else
/// the English one.
pub(crate) const SHARED: Templates = template_files! { "layout": ".html"; };
/// Longest subject, in characters.
const LONGEST_SUBJECT: usize = 200;

/// What a letter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// One line; empty for SMS.
    pub subject: String,
    pub plain: String,
    pub html: Option<String>,
}

/// The templates of all languages.
pub(crate) struct Engine {
    /// By `{language}/{type}.{ending}`.
    texts: BTreeMap<String, String>,
    /// Compiled when the first letter is written, as most processes begin with none.
    environment: OnceLock<Environment<'static>>,
    /// The language of receivers who have chosen none.
    language: String,
    public_url: String,
}

impl Engine {
    /// Takes the templates that ship, with the files of the operator in their place. With such files it tries each
    /// template with a sample; a fault names the file.
    pub fn new(
        shipped: &[Templates],
        files: Option<&Path>,
        language: &str,
        public_url: &str,
        samples: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> anyhow::Result<Self> {
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        for (name, text) in shipped.iter().copied().flatten() {
            texts.insert((*name).to_owned(), (*text).to_owned());
        }
        let known: BTreeSet<String> =
            texts.keys().filter_map(|name| Some(name.split_once('/')?.1.to_owned())).collect();
        if let Some(directory) = files {
            read_files(directory, &known, &mut texts)
                .with_context(|| format!("notifications.templates_dir {} has a fault", directory.display()))?;
        }
        let (language, public_url) = (language.to_ascii_lowercase(), public_url.to_owned());
        let engine = Self { texts, environment: OnceLock::new(), language, public_url };
        engine.refuse_incomplete()?;
        if files.is_some() {
            engine.environment()?;
            for (template, sample) in samples {
                engine.try_all(template, &sample)?;
            }
        }
        Ok(engine)
    }

    /// Renders a letter in the wanted language, or the next best. An error names the template, and no value.
    pub fn render(
        &self,
        channel: Channel,
        template: &str,
        wanted: &str,
        values: &Value,
        unsubscribe_url: &str,
    ) -> anyhow::Result<Text> {
        let wanted = wanted.to_ascii_lowercase();
        let language = self.language_of(channel, template, &wanted);
        let values = context! {
            public_url => self.public_url.as_str(),
            public_host => host_of(&self.public_url),
            unsubscribe_url,
            ..values.clone(),
        };
        let values = context! { language, ..values };
        let render = |ending: &str| self.render_one(&format!("{language}/{template}.{ending}"), &values);
        match channel {
            Channel::Sms => Ok(Text { subject: String::new(), plain: render("sms")?.trim().to_owned(), html: None }),
            Channel::Email => {
                let subject = one_line(&render("subject")?, LONGEST_SUBJECT);
                Ok(Text { subject, plain: render("txt")?, html: Some(render("html")?) })
            }
        }
    }

    fn render_one(&self, name: &str, values: &Value) -> anyhow::Result<String> {
        let rendered = self.environment()?.get_template(name).and_then(|template| template.render(values));
        rendered.map_err(|error| fault_of(name, &error))
    }

    fn environment(&self) -> anyhow::Result<&Environment<'static>> {
        if let Some(environment) = self.environment.get() {
            return Ok(environment);
        }
        let compiled = environment(&self.texts)?;
        Ok(self.environment.get_or_init(|| compiled))
    }

    /// The wanted language, its less special form, the language of the installation, or English: the first that has the
    /// templates.
    fn language_of<'a>(&'a self, channel: Channel, template: &str, wanted: &'a str) -> &'a str {
        let ending = if channel == Channel::Sms { "sms" } else { "txt" };
        let candidates = [wanted, general(wanted), &self.language, general(&self.language)];
        let has = |language: &&str| self.texts.contains_key(&format!("{language}/{template}.{ending}"));
        candidates.into_iter().find(has).unwrap_or(ENGLISH)
    }

    /// Renders every language's templates of a type with a sample.
    fn try_all(&self, template: &str, sample: &Value) -> anyhow::Result<()> {
        let values = context! {
            public_url => self.public_url.as_str(),
            public_host => host_of(&self.public_url),
            unsubscribe_url => "",
            ..sample.clone(),
        };
        for name in self.texts.keys() {
            let Some((language, file)) = name.split_once('/') else { continue };
            if file.rsplit_once('.').is_some_and(|(of, _)| of == template) {
                self.render_one(name, &context! { language, ..values.clone() })?;
            }
        }
        Ok(())
    }

    /// A language has all parts of a mail, or none: a mail is in one language.
    fn refuse_incomplete(&self) -> anyhow::Result<()> {
        for name in self.texts.keys() {
            let Some((of, "subject" | "txt" | "html")) = name.rsplit_once('.') else { continue };
            if of.ends_with("/layout") {
                continue;
            }
            for ending in ["subject", "txt", "html"] {
                let other = format!("{of}.{ending}");
                if !self.texts.contains_key(&other) {
                    bail!("the template {name} needs {other} beside it");
                }
            }
        }
        Ok(())
    }
}

fn environment(texts: &BTreeMap<String, String>) -> anyhow::Result<Environment<'static>> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    forms::add_to(&mut environment);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_auto_escape_callback(|name| {
        if name.rsplit_once('.').is_some_and(|(_, ending)| ending == "html") {
            AutoEscape::Html
        } else {
            AutoEscape::None
        }
    });
    let names: BTreeSet<String> = texts.keys().cloned().collect();
    // What a template names is in its own language, in the less special form of that, or in English.
    environment.set_path_join_callback(move |name, parent| {
        let language = parent.split_once('/').map_or(ENGLISH, |(language, _)| language);
        let candidates = [language, general(language)].map(|language| format!("{language}/{name}"));
        let own = candidates.into_iter().find(|own| names.contains(own));
        own.unwrap_or_else(|| format!("{ENGLISH}/{name}")).into()
    });
    for (name, text) in texts {
        environment.add_template_owned(name.clone(), text.clone()).map_err(|error| fault_of(name, &error))?;
    }
    Ok(environment)
}

/// `{directory}/{language}/{type}.{ending}`. A file of another name is a fault: it would be of no effect. Languages are in lower
/// case, as receivers have them.
fn read_files(directory: &Path, known: &BTreeSet<String>, texts: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    let mut languages: BTreeMap<String, String> = BTreeMap::new();
    for (folder, given) in entries(directory)? {
        if !folder.is_dir() {
            bail!("{given} is no directory of a language");
        }
        let Ok(language) = read_language(Raw::Text(&given)) else {
            bail!("{given} must be named by a language tag, such as en or pt-BR");
        };
        if let Some(other) = languages.insert(language.clone(), given.clone()) {
            bail!("{other} and {given} are the same language");
        }
        for (path, file) in entries(&folder)? {
            let name = format!("{language}/{file}");
            if !known.contains(&file) {
                bail!(
                    "{given}/{file} is no template; there are {}",
                    known.iter().cloned().collect::<Vec<_>>().join(", ")
                );
            }
            let text = fs::read_to_string(&path).with_context(|| format!("{given}/{file} cannot be read"))?;
            texts.insert(name, text);
        }
    }
    Ok(())
}

/// The entries of a directory with their names, but for hidden ones.
fn entries(directory: &Path) -> anyhow::Result<Vec<(std::path::PathBuf, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).context("it cannot be read")? {
        let path = entry.context("it cannot be read")?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.starts_with('.') {
            found.push((path, name));
        }
    }
    found.sort();
    Ok(found)
}

/// The place and the kind of an error, without values: those may be personal.
fn fault_of(name: &str, error: &minijinja::Error) -> anyhow::Error {
    let at = error.name().unwrap_or(name);
    let line = error.line().map(|line| format!(", line {line}")).unwrap_or_default();
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    anyhow::anyhow!("the template {at}{line} has a fault: {}{detail}", error.kind())
}

/// `pt` of `pt-BR`.
fn general(language: &str) -> &str {
    language.split_once('-').map_or(language, |(general, _)| general)
}

fn host_of(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

/// One line without control characters: a header of a mail can be made of it.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: Templates = &[
        ("en/sample.subject", "About {{ what }}"),
        ("en/sample.txt", "{{ what }} at {{ public_url }}"),
        ("en/sample.html", "{% extends 'layout.html' %}{% block content %}{{ what }}{% endblock %}"),
        ("en/sample.sms", "{{ what }} at {{ public_host }}\n"),
    ];

    fn engine() -> Engine {
        let samples = [("sample", context! { what => "it" })];
        Engine::new(&[SHARED, SHIPPED], None, "de-AT", "https://cargo.example.com/x", samples).unwrap()
    }

    #[test]
    fn markup_is_escaped_in_html_only_and_a_subject_is_one_line() {
        let values = context! { what => "<b>\r\nBcc: x & \u{7}y" };
        let text = engine().render(Channel::Email, "sample", "en", &values, "https://u").unwrap();
        assert_eq!(text.subject, "About <b> Bcc: x & y");
        assert!(text.plain.contains("<b>"));
        let html = text.html.unwrap();
        assert!(html.contains("&lt;b&gt;") && !html.contains("<b>"), "{html}");
        assert!(html.contains("<a href=\"https:&#x2f;&#x2f;u\""), "{html}");
        let sms = engine().render(Channel::Sms, "sample", "fr", &context! { what => "<b>" }, "").unwrap();
        assert_eq!(sms.plain, "<b> at cargo.example.com/x");
    }

    #[test]
    fn what_is_not_defined_is_an_error_that_names_the_template_and_no_value() {
        let values = context! { other => "personal" };
        let error = engine().render(Channel::Email, "sample", "en", &values, "").unwrap_err().to_string();
        assert!(error.contains("en/sample.subject") && !error.contains("personal"), "{error}");
    }

    fn with_files(files: &[(&str, &str)], language: &str) -> anyhow::Result<Engine> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let samples = [("sample", context! { what => "it" })];
        Engine::new(&[SHARED, SHIPPED], Some(directory.path()), language, "https://cargo.example.com", samples)
    }

    #[test]
    fn languages_of_directories_and_receivers_are_the_same_in_any_case() {
        let values = context! { what => "x" };
        let text = |engine: &Engine, wanted| engine.render(Channel::Sms, "sample", wanted, &values, "").unwrap().plain;
        let of_region = with_files(&[("pt-BR/sample.sms", "Olá"), ("PT/sample.sms", "Bom dia")], "en").unwrap();
        assert_eq!(
            ["pt-br", "pt-BR", "pt-pt", "PT"].map(|wanted| text(&of_region, wanted)),
            ["Olá", "Olá", "Bom dia", "Bom dia"]
        );
        let of_installation = with_files(&[("pt-BR/sample.sms", "Olá")], "pt-BR").unwrap();
        assert_eq!(text(&of_installation, "de"), "Olá");
    }

    #[test]
    fn what_a_template_of_a_region_extends_is_of_its_general_language_before_it_is_english() {
        let html = "{% extends 'layout.html' %}{% block content %}{{ what }}{% endblock %}";
        let mail = |language: &str| -> Vec<(String, &'static str)> {
            let parts = [("subject", "x"), ("txt", "x"), ("html", html)];
            parts.map(|(ending, text)| (format!("{language}/sample.{ending}"), text)).into()
        };
        let files = [mail("de-AT"), mail("pt-BR")].concat();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        let engine = with_files(&files, "en").unwrap();
        let html_in = |wanted| {
            engine
                .render(Channel::Email, "sample", wanted, &context! { what => "x" }, "https://u")
                .unwrap()
                .html
                .unwrap()
        };
        assert!(html_in("de-AT").contains("Sie erhalten diese Nachricht von"), "{}", html_in("de-AT"));
        assert!(html_in("pt-BR").contains("You receive this message from"), "{}", html_in("pt-BR"));
    }

    #[test]
    fn directories_that_no_language_would_use_are_refused() {
        let refused = |files: &[(&str, &str)]| format!("{:#}", with_files(files, "en").err().unwrap());
        assert!(refused(&[("pt_BR/sample.sms", "x")]).contains("pt_BR must be named by a language tag"));
        assert!(refused(&[("english/sample.sms", "x")]).contains("english must be named by a language tag"));
        let clash = refused(&[("pt-BR/sample.sms", "x"), ("pt-br/sample.sms", "x")]);
        assert!(clash.contains("pt-BR and pt-br are the same language"), "{clash}");
    }

    #[test]
    fn the_samples_are_tried_beside_files_of_the_operator() {
        let samples = [("sample", context! { who => "it" })];
        let directory = tempfile::tempdir().unwrap();
        let start = |files| Engine::new(&[SHARED, SHIPPED], files, "en", "https://cargo.example.com", samples.clone());
        assert!(start(Some(directory.path())).is_err_and(|error| error.to_string().contains("en/sample.")));
        assert!(start(None).is_ok());
    }
}
