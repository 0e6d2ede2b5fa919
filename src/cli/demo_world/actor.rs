use std::sync::Arc;

use anyhow::{Context, ensure};
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{Method, StatusCode, header, request::Builder},
};
use loadmaster_accounts::{Principal, TokenService, UserService};
use loadmaster_kernel::TokenFamilyId;
use loadmaster_platform::settings::Settings;
use loadmaster_pricing::PricingService;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::people::Person;

use crate::app::{AppState, Application, Resources, in_process};

/// The largest answer.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// A person of the demo who calls the API in this process.
#[derive(Clone)]
pub(super) struct Actor {
    door: Arc<dyn Application>,
    tokens: TokenService,
    principal: Principal,
    session: TokenFamilyId,
}

/// An application of the demo's own, beside the one that serves: its callers have no quota, and it may have another clock.
/// The default tariff applies in both.
pub(super) struct Stage {
    pub state: AppState,
    door: Arc<dyn Application>,
}

impl Stage {
    pub async fn open(parts: Resources) -> anyhow::Result<Self> {
        let mut settings: Settings = (*parts.settings).clone();
        settings.rate_limit.enabled = false;
        let state = AppState::assemble(Resources { settings: Arc::new(settings), ..parts }).await?;
        state.service::<PricingService>()?.serve_demo();
        let door = in_process(&state)?;
        Ok(Self { state, door })
    }

    pub async fn actor(&self, person: &Person) -> anyhow::Result<Actor> {
        let user = self.state.service::<UserService>()?.find_by_email(person.email).await?.user;
        let session = self.state.ids.next(self.state.clock.now());
        let principal = Principal::of_session(user.id, user.organization_id, user.role, session);
        Ok(Actor { door: self.door.clone(), tokens: self.state.service()?, principal, session })
    }
}

impl Actor {
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let (status, answer) = self.ask(Request::builder().method(Method::GET), path, None).await?;
        ensure!(status.is_success(), "{path} answered {status}: {}", answer["detail"]);
        Ok(answer)
    }

    /// Sends a request that may be refused: what others do meanwhile is not foreseen.
    pub async fn try_to(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Option<Value>> {
        self.attempt(Request::builder().method(method), path, body).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Option<Value>> {
        self.try_to(Method::POST, path, body).await
    }

    /// Writes a resource that nobody has written yet.
    pub async fn put_first(&self, path: &str, body: &Value) -> anyhow::Result<Option<Value>> {
        let request = Request::builder().method(Method::PUT).header(header::IF_MATCH, "\"0\"");
        self.attempt(request, path, body).await
    }

    async fn attempt(&self, request: Builder, path: &str, body: &Value) -> anyhow::Result<Option<Value>> {
        let (status, answer) = self.ask(request, path, Some(body)).await?;
        ensure!(!status.is_server_error(), "{path} answered {status}: {}", answer["detail"]);
        if !status.is_success() {
            tracing::debug!(path, %status, detail = %answer["detail"], "a demo request was refused");
        }
        Ok(status.is_success().then_some(answer))
    }

    async fn ask(&self, request: Builder, path: &str, body: Option<&Value>) -> anyhow::Result<(StatusCode, Value)> {
        let token = self.tokens.issue(self.principal, self.session)?;
        let mut request = request.uri(path).header(header::AUTHORIZATION, format!("Bearer {}", token.expose_secret()));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Body::from(body))?;
        let response = Arc::clone(&self.door).answer(request).await;
        let status = response.status();
        let bytes = to_bytes(response.into_body(), MOST_BYTES).await?;
        let answer = if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes) };
        Ok((status, answer.with_context(|| format!("{path} did not answer JSON"))?))
    }
}
