//! A provider whose API has the shape of Stripe's `PaymentIntents`.
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use loadmaster_kernel::{Currency, Money, PaymentOperationId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect::Policy};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Call, FoundState, Provider, ProviderKind, ProviderPayment, Silence,
    amounts::{chargeable, of_units, to_units},
};

use crate::model::{Failure, Outcome};

/// Longest wait for a connection.
const CONNECT_TIME: Duration = Duration::from_secs(3);
/// Longest wait for a whole answer.
const ANSWER_TIME: Duration = Duration::from_secs(9);
/// Most bytes of an answer.
const LONGEST_ANSWER: usize = 256 * 1024;
/// Longest name of a payment, and longest address of a confirmation.
const LONGEST_REFERENCE: usize = 255;
const LONGEST_URL: usize = 2048;

/// The version of the API in which requests are written and answers are read.
const VERSION: &str = "2023-08-16";

/// The provider at an address. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    client: Client,
    /// Without a slash at the end.
    base: Arc<str>,
    secret: SecretString,
    /// Where a payer comes back to after confirming a payment elsewhere.
    return_url: Option<Arc<str>>,
}

impl Http {
    pub fn new(url: &str, secret: SecretString, return_url: Option<&str>) -> anyhow::Result<Self> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIME)
            .timeout(ANSWER_TIME)
            .redirect(Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { client, base: url.trim_end_matches('/').into(), secret, return_url: return_url.map(Into::into) })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        request.header("stripe-version", VERSION).bearer_auth(self.secret.expose_secret())
    }

    async fn post(&self, path: &str, key: PaymentOperationId, form: &[(&str, &str)]) -> Said {
        let body = form_urlencoded(form);
        let request = self.request(Method::POST, path);
        let request = request.header("idempotency-key", key.to_string());
        Said::to(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    async fn get(&self, path: &str) -> Said {
        Said::to(self.request(Method::GET, path)).await
    }

    async fn look_up(&self, reference: &str) -> Result<Option<ProviderPayment>, Silence> {
        let path = format!("/v1/payment_intents/{}?expand%5B%5D=latest_charge", escaped(reference));
        match self.get(&path).await {
            Said::Done(value) => {
                Intent::read(&value).and_then(Intent::found).map(Some).ok_or_else(|| unreadable("payment"))
            }
            Said::Refused { status: StatusCode::NOT_FOUND, .. } => Ok(None),
            other => Err(Silence(other.description())),
        }
    }

    /// Finds the payment of an authorization by the id that was sent with it. The provider's search may be behind: what
    /// it does not find may yet be there.
    async fn search_for(&self, operation: PaymentOperationId) -> Result<Option<ProviderPayment>, Silence> {
        let query = format!("metadata['operation_id']:'{operation}'");
        let path = format!("/v1/payment_intents/search?query={}", escaped(&query));
        let Said::Done(value) = self.get(&path).await else { return Err(Silence("the search has failed".to_owned())) };
        let Some(first) = value["data"].as_array().and_then(|found| found.first()) else { return Ok(None) };
        Intent::read(first).and_then(Intent::found).map(Some).ok_or_else(|| unreadable("payment"))
    }

    async fn ask_to_authorize(&self, call: &Call, token: Option<&SecretString>) -> Outcome {
        if let Some(reference) = &call.reference {
            return authorization(self.look_up(reference).await, "the provider does not know the payment");
        }
        let (amount, currency) =
            (to_units(call.amount).to_string(), call.amount.currency().as_str().to_ascii_lowercase());
        let (operation, payment) = (call.operation.to_string(), call.payment.to_string());
        let mut form = vec![
            ("amount", amount.as_str()),
            ("currency", &currency),
            ("capture_method", "manual"),
            ("confirm", "true"),
            ("metadata[operation_id]", &operation),
            ("metadata[payment_id]", &payment),
        ];
        form.extend(redirects(self.return_url.as_deref()));
        let without_token = form.clone();
        if let Some(token) = token {
            form.push(("payment_method", token.expose_secret()));
        }
        let said = match self.post("/v1/payment_intents", call.operation, &form).await {
            // The key was used for a request without the token: repeated as it was, it has its answer.
            Said::Refused { error, .. } if token.is_some() && error.is_about_the_key() => {
                self.post("/v1/payment_intents", call.operation, &without_token).await
            }
            said => said,
        };
        match said {
            Said::Done(value) => Intent::read(&value)
                .filter(|intent| !token.is_some_and(|token| intent.id.contains(token.expose_secret())))
                .and_then(Intent::found)
                .map_or_else(|| unknown("its answer cannot be read"), ProviderPayment::authorization),
            // The key was used for the request with the token.
            Said::Refused { error, .. } if error.is_about_the_key() => {
                authorization(self.search_for(call.operation).await, "not found yet")
            }
            Said::Refused { status, .. } if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN => {
                if call.is_repeated {
                    unknown("the provider refuses the secret")
                } else {
                    Outcome::NotSent
                }
            }
            Said::Refused { error, .. } => error.declined(token),
            Said::Silent(why) => Outcome::Unknown(why),
            Said::NotSent => Outcome::NotSent,
        }
    }

    /// Changes a payment. A refusal may have its reason in an earlier attempt: the payment's own state decides.
    async fn change(&self, call: &Call, verb: &str, form: &[(&str, &str)], done: fn(&FoundState) -> bool) -> Outcome {
        let Some(reference) = &call.reference else { return Outcome::declined("no_reference") };
        let path = format!("/v1/payment_intents/{}/{verb}", escaped(reference));
        let (failure, found) = match self.post(&path, call.operation, form).await {
            Said::Done(value) => {
                let found = Intent::read(&value).and_then(Intent::found);
                (Failure::declined("unexpected_state"), found.ok_or_else(|| unreadable("payment")).map(Some))
            }
            Said::Refused { error, .. } if error.is_about_the_key() => return unknown("the key was used otherwise"),
            Said::Refused { status, .. } if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN => {
                return unknown("the provider refuses the secret");
            }
            Said::Refused { error, .. } => (Failure::declined(error.word()), self.look_up(reference).await),
            Said::Silent(why) => return Outcome::Unknown(why),
            Said::NotSent => return Outcome::NotSent,
        };
        match found {
            Ok(Some(found)) if done(&found.state) => Outcome::Succeeded { reference: Some(found.reference) },
            Ok(Some(ProviderPayment { state: FoundState::Pending, reference, .. })) => Outcome::Pending { reference },
            Ok(_) => Outcome::Declined { failure, reference: None },
            Err(Silence(why)) => Outcome::Unknown(why),
        }
    }

    async fn ask_to_refund(&self, call: &Call) -> Outcome {
        let said = if let Some(refund) = &call.refund {
            self.get(&format!("/v1/refunds/{}", escaped(refund))).await
        } else {
            let Some(reference) = &call.reference else { return Outcome::declined("no_reference") };
            let units = refund_units(call);
            if units == 0 {
                return Outcome::Succeeded { reference: None };
            }
            let (amount, operation) = (units.to_string(), call.operation.to_string());
            let form =
                [("payment_intent", reference.as_str()), ("amount", &amount), ("metadata[operation_id]", &operation)];
            self.post("/v1/refunds", call.operation, &form).await
        };
        match said {
            Said::Done(value) => match (value["status"].as_str(), name(&value["id"])) {
                (Some("succeeded"), reference) => Outcome::Succeeded { reference },
                (Some("pending" | "requires_action"), Some(reference)) => Outcome::Pending { reference },
                (Some("failed" | "canceled"), reference) => {
                    let why = value["failure_reason"].as_str().unwrap_or("refund_failed");
                    Outcome::Declined { failure: Failure::declined(why), reference }
                }
                _ => unknown("its answer cannot be read"),
            },
            Said::Refused { status, .. } if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN => {
                unknown("the provider refuses the secret")
            }
            Said::Refused { error, .. } if error.is_about_the_key() => unknown("the key was used otherwise"),
            Said::Refused { error, .. } => Outcome::declined(error.word()),
            Said::Silent(why) => Outcome::Unknown(why),
            Said::NotSent => Outcome::NotSent,
        }
    }
}

impl Provider for Http {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Http
    }

    fn chargeable(&self, amount: Money) -> Money {
        chargeable(amount)
    }

    fn authorize<'a>(&'a self, call: &'a Call, token: Option<&'a SecretString>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.ask_to_authorize(call, token))
    }

    fn capture<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let amount = to_units(call.amount).to_string();
            let form = [("amount_to_capture", amount.as_str())];
            self.change(call, "capture", &form, |state| *state == FoundState::Captured).await
        })
    }

    fn refund<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        Box::pin(self.ask_to_refund(call))
    }

    fn void<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        Box::pin(self.change(call, "cancel", &[], |state| matches!(state, FoundState::Voided | FoundState::Failed(_))))
    }

    fn search(&self, operation: PaymentOperationId) -> BoxFuture<'_, Result<Option<ProviderPayment>, Silence>> {
        Box::pin(self.search_for(operation))
    }

    fn find<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<Option<ProviderPayment>, Silence>> {
        Box::pin(self.look_up(reference))
    }
}

/// What the provider said.
enum Said {
    Done(Value),
    /// It did not act.
    Refused {
        status: StatusCode,
        error: ProviderFault,
    },
    /// It may or may not have acted.
    Silent(String),
    /// Not a byte was sent.
    NotSent,
}

impl Said {
    async fn to(request: RequestBuilder) -> Self {
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() => return Self::NotSent,
            Err(error) if error.is_timeout() => return Self::Silent("no answer in time".to_owned()),
            Err(_) => return Self::Silent("the connection was lost".to_owned()),
        };
        let status = response.status();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= LONGEST_ANSWER => body.extend_from_slice(&chunk),
                Ok(Some(_)) => return Self::Silent("its answer is too long".to_owned()),
                Ok(None) => break,
                Err(_) => return Self::Silent("its answer broke off".to_owned()),
            }
        }
        let value: Option<Value> = serde_json::from_slice(&body).ok();
        match (status.as_u16(), value) {
            (200..=299, Some(value)) => Self::Done(value),
            (409 | 429 | 500.., _) => Self::Silent(format!("it answered {}", status.as_u16())),
            (400..=499, Some(value)) => match ProviderFault::deserialize(&value["error"]) {
                Ok(error) => Self::Refused { status, error },
                Err(_) => Self::Silent(format!("it answered {}", status.as_u16())),
            },
            _ => Self::Silent(format!("it answered {} unreadably", status.as_u16())),
        }
    }

    fn description(self) -> String {
        match self {
            Self::Done(_) => "its answer cannot be read".to_owned(),
            Self::Refused { status, .. } => format!("it answered {}", status.as_u16()),
            Self::Silent(why) => why,
            Self::NotSent => "not sent".to_owned(),
        }
    }
}

/// An error of the provider. Its message is not read: it may quote the token.
#[derive(Deserialize)]
struct ProviderFault {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
}

impl ProviderFault {
    fn is_about_the_key(&self) -> bool {
        self.kind == "idempotency_error"
    }

    fn word(&self) -> &str {
        self.decline_code.as_deref().or(self.code.as_deref()).unwrap_or(&self.kind)
    }

    fn declined(&self, token: Option<&SecretString>) -> Outcome {
        let is_quoted = token.is_some_and(|token| self.word().contains(token.expose_secret()));
        Outcome::declined(if is_quoted { "declined" } else { self.word() })
    }
}

/// A payment in the provider's words.
#[derive(Deserialize)]
struct Intent {
    id: String,
    status: String,
    amount: i64,
    currency: String,
    #[serde(default)]
    amount_received: i64,
    #[serde(default)]
    next_action: Option<Value>,
    #[serde(default)]
    last_payment_error: Option<ProviderFault>,
    #[serde(default)]
    latest_charge: Value,
}

impl Intent {
    fn read(value: &Value) -> Option<Self> {
        Self::deserialize(value).ok()
    }

    /// Returns the payment; `None` if it is not in words that are known.
    fn found(self) -> Option<ProviderPayment> {
        let reference = plain(&self.id)?;
        let currency: Currency = self.currency.to_ascii_uppercase().parse().ok()?;
        let state = match self.status.as_str() {
            "requires_action" => FoundState::RequiresAction(self.next_action.as_ref().and_then(address)),
            "requires_capture" => FoundState::Authorized,
            "succeeded" => FoundState::Captured,
            "processing" | "requires_confirmation" => FoundState::Pending,
            "canceled" => FoundState::Voided,
            "requires_payment_method" => {
                let word = self.last_payment_error.as_ref().map_or("declined", ProviderFault::word);
                FoundState::Failed(Failure::declined(word))
            }
            _ => return None,
        };
        let minor = |units| of_units(units, currency).map(Money::minor);
        let refunded = match self.latest_charge["amount_refunded"].as_i64() {
            Some(units) => Some(minor(units)?),
            None => None,
        };
        let (amount, captured) = (of_units(self.amount, currency)?, minor(self.amount_received)?);
        Some(ProviderPayment { reference, state, amount, captured, refunded })
    }
}

/// Returns where the payer confirms the payment.
fn address(next_action: &Value) -> Option<String> {
    let url = next_action["redirect_to_url"]["url"].as_str()?;
    let is_address = url.len() <= LONGEST_URL && (url.starts_with("https://") || url.starts_with("http://"));
    is_address.then(|| url.to_owned())
}

fn name(value: &Value) -> Option<String> {
    value.as_str().and_then(plain)
}

fn plain(text: &str) -> Option<String> {
    let is_plain = (1..=LONGEST_REFERENCE).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then(|| text.to_owned())
}

/// Returns what a payment that was looked for says about its authorization; `absent`: what it means that there is none.
fn authorization(looked_up: Result<Option<ProviderPayment>, Silence>, absent: &str) -> Outcome {
    match looked_up {
        Ok(Some(found)) => found.authorization(),
        Ok(None) => unknown(absent),
        Err(Silence(why)) => Outcome::Unknown(why),
    }
}

fn unknown(why: &str) -> Outcome {
    Outcome::Unknown(why.to_owned())
}

fn unreadable(what: &str) -> Silence {
    Silence(format!("its {what} cannot be read"))
}

/// Returns what a confirmation says about methods of payment that lead the payer elsewhere: where they come back to, or that
/// there are none.
fn redirects(return_url: Option<&str>) -> Vec<(&'static str, &str)> {
    match return_url {
        Some(url) => vec![("return_url", url)],
        None => vec![
            ("automatic_payment_methods[enabled]", "true"),
            ("automatic_payment_methods[allow_redirects]", "never"),
        ],
    }
}

/// Returns the units of a refund: what all refunds of the payment have given back after it, less what they had before it.
/// Rounded refunds thus never exceed the rounded amount that was captured.
fn refund_units(call: &Call) -> i64 {
    let before = call.amount.with_minor(call.refunded_before);
    let after = call.amount.with_minor(call.refunded_before.saturating_add(call.amount.minor()));
    to_units(after) - to_units(before)
}

fn escaped(text: &str) -> String {
    /// What stands for itself in an address (RFC 3986, section 2.3) remains: names are compared as they are sent.
    const REST: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, REST).to_string()
}

fn form_urlencoded(form: &[(&str, &str)]) -> String {
    let mut written = url::form_urlencoded::Serializer::new(String::new());
    written.extend_pairs(form);
    written.finish()
}
