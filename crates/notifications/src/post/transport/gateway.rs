use std::time::Duration;

use anyhow::{Context, bail};
use loadmaster_platform::settings;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Client, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Delivery, Outgoing};

/// The whole request, in steps of the longest wait for one.
const STEPS: u32 = 2;
const BODY: &str = "sms.body";
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const FORM: &str = "form";
const JSON: &str = "json";

/// A gateway for text messages that takes a POST for each.
pub(in super::super) struct Gateway {
    client: Client,
    url: SecretString,
    headers: HeaderMap,
    body: Environment<'static>,
    from: String,
}

impl Gateway {
    pub fn new(settings: &settings::Sms, step: Duration) -> anyhow::Result<Self> {
        let client = Client::builder()
            .connect_timeout(step)
            .timeout(step * STEPS)
            .redirect(Policy::none())
            .no_proxy()
            .build()?;
        let url = settings.url.clone().context("sms.url is not set")?;
        let mut headers = HeaderMap::new();
        for (name, value) in &settings.headers {
            let name: HeaderName = name.parse().with_context(|| format!("sms.headers: `{name}` is no name"))?;
            let mut value = HeaderValue::from_str(value.expose_secret())
                .with_context(|| format!("sms.headers: the value of `{name}` is not possible"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let kind = headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        let escape = match kind.to_str().unwrap_or_default().split(';').next().map(str::trim) {
            Some("application/json") => JSON,
            Some("application/x-www-form-urlencoded") => FORM,
            _ => bail!("sms.headers: Content-Type must be application/json or application/x-www-form-urlencoded"),
        };
        let body = environment(escape, settings.body.clone())?;
        let this = Self { client, url, headers, body, from: settings.from.clone() };
        this.try_body(escape)?;
        Ok(this)
    }

    /// Renders a text that needs escaping.
    fn try_body(&self, escape: &str) -> anyhow::Result<()> {
        let rendered = self.write("+4915112345678", "\"a\"\\ & b=c\nd").context("sms.body has a fault")?;
        if escape == JSON && serde_json::from_str::<Value>(&rendered).is_err() {
            bail!("sms.body does not make valid JSON");
        }
        Ok(())
    }

    fn write(&self, to: &str, text: &str) -> Result<String, minijinja::Error> {
        self.body.get_template(BODY)?.render(context! { to, text, from => self.from.as_str() })
    }

    /// A request whose answer is lost is not repeated: the receiver would get the text twice.
    pub async fn deliver(&self, outgoing: &Outgoing) -> Delivery {
        let Ok(body) = self.write(&outgoing.to.text, &outgoing.text.plain) else {
            return Delivery::Refused("template".to_owned());
        };
        let request = self.client.post(self.url.expose_secret()).headers(self.headers.clone()).body(body);
        match request.send().await {
            Ok(answer) => judge(answer.status()),
            Err(error) if error.is_connect() || error.is_builder() => {
                Delivery::Away("the gateway cannot be reached".to_owned())
            }
            Err(_) => Delivery::Unknown("the gateway did not answer".to_owned()),
        }
    }
}

fn environment(escape: &'static str, body: String) -> anyhow::Result<Environment<'static>> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(move |_| AutoEscape::Custom(escape.into()));
    environment.set_formatter(|out, state, value| {
        if value.is_undefined() {
            return Err(minijinja::ErrorKind::UndefinedError.into());
        }
        if value.is_safe() {
            return Ok(out.write_str(&value.to_string())?);
        }
        let text = value.to_string();
        let escaped = match state.auto_escape() {
            AutoEscape::Custom(name) if name == FORM => utf8_percent_encode(&text, UNRESERVED).to_string(),
            // The template has the quotation marks.
            _ => {
                let quoted = Value::from(text).to_string();
                quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
            }
        };
        Ok(out.write_str(&escaped)?)
    });
    environment.add_template_owned(BODY, body).context("sms.body has a fault")?;
    Ok(environment)
}

fn judge(status: StatusCode) -> Delivery {
    let says = format!("HTTP {}", status.as_u16());
    match status.as_u16() {
        200..=299 => Delivery::Delivered,
        // About us, or about the moment.
        401 | 403 | 404 | 405 | 407 | 408 | 425 | 429 | 500..=599 => Delivery::Later(says),
        _ => Delivery::Refused(says),
    }
}
