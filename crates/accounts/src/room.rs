use std::time::Duration;

use chrono::TimeDelta;
use loadmaster_platform::{
    jobs::Handlers,
    outage::OutageLog,
    postgres::Tables,
    room::{Opened, Opening, Room},
    shutdown::stopped_within,
};
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;

use super::{
    administration::{self, AdministrationService},
    api_keys::{self, ApiKeyService},
    authenticate::Authenticator,
    credentials::{self, AccessChanges, Passwords, Proofs, RefreshRequest, SessionService, TokenService},
    error::code,
    lasting::LastingAccess,
    one_time::{AccountMails, OneTime},
    people::{self, Acts, KnownAirports, UserService},
    verification::{self, FORGOTTEN, VerificationService},
};

pub const ROOM: Room = Room {
    tags: &[("auth", "Log-in, access tokens and API keys"), ("users", "Users and the log of administrative acts")],
    features: &["accounts", "api_keys"],
    codes: code::CODES,
    growing: &["SleepReason"],
    conditions: &[RefreshRequest::NEEDS],
    labels: &[("quota", &["account", "session", "unsigned_refresh"])],
    tables: Tables { history: &["admin_acts"], kept: &["users", "organizations"], ..Tables::NONE },
    describe,
    open: |opening| Box::pin(open(opening)),
    ..Room::named("accounts")
};

fn describe() -> OpenApi {
    let mut document = people::routes().describe();
    document.merge(credentials::routes().describe());
    document.merge(verification::routes().describe());
    document.merge(api_keys::routes().describe());
    document.merge(administration::routes().describe());
    document
}

async fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, ids, tokens: random, timing, .. } = opening;
    let (one_time, mails) = (OneTime::new(opening), AccountMails::default());
    let acts = Acts::new(ids.clone(), clock.clone());
    let users = UserService::new(db.clone());
    let tokens = TokenService::new(opening, acts.clone()).await?;
    let passwords = Passwords::new(random)?;
    let changes = AccessChanges::new(db.clone(), &settings.auth, clock.clone());
    changes.poll().await?;
    let lasting = LastingAccess::new(opening, acts.clone(), mails.clone());
    let mailing = (one_time.clone(), mails.clone(), lasting.clone());
    let sessions = SessionService::new(opening, passwords.clone(), tokens.clone(), changes.clone(), mailing.clone());
    let airports = KnownAirports::default();
    let mine = (mailing, airports.clone());
    let verification = VerificationService::new(opening, sessions.clone(), passwords.clone(), changes.clone(), mine);
    let proofs = Proofs::new(opening, passwords.clone());
    let api_keys = ApiKeyService::new(opening, acts.clone(), changes.clone(), lasting.clone(), proofs);
    let administration = AdministrationService::new(opening, passwords, acts.clone(), changes, one_time.clone());
    let authenticator = Authenticator::new(sessions.clone(), api_keys.clone());

    let people = people::HandlerState::of(opening, users.clone());
    let credentials = credentials::HandlerState::of(opening, users.clone(), sessions.clone(), tokens.clone());
    let administrators = administration::HandlerState::of(opening, users.clone(), administration.clone());
    let routes = people::routes()
        .with_state(&people)
        .and(credentials::routes().with_state(&credentials))
        .and(verification::routes().with_state(&verification::HandlerState::of(opening, verification.clone())))
        .and(api_keys::routes().with_state(&api_keys::HandlerState::of(opening, api_keys)))
        .and(administration::routes().with_state(&administrators));
    let opened = Opened { routes, jobs: jobs(&sessions, &verification), ..Opened::default() }
        .with(acts)
        .with(airports)
        .with(one_time)
        .with(mails)
        .with(lasting)
        .with(users)
        .with(tokens)
        .with(administration)
        .with(authenticator)
        .with(sessions.clone());
    let interval = timing.access;
    Ok(opened.working(move |stop| poll_changes(sessions, interval, stop)))
}

fn jobs(sessions: &SessionService, verification: &VerificationService) -> Handlers {
    let forgotten =
        |verification: VerificationService, forgotten| async move { verification.mail_reset(forgotten).await };
    Handlers::default().on(&FORGOTTEN, verification.clone(), forgotten).every(
        TimeDelta::hours(1),
        "expired_tokens",
        sessions.clone(),
        |sessions| async move {
            let deleted = sessions.delete_expired_tokens().await?;
            tracing::info!(deleted, "expired refresh tokens deleted");
            Ok(())
        },
    )
}

async fn poll_changes(sessions: SessionService, interval: Duration, stop: CancellationToken) {
    let mut outage =
        OutageLog::new("changes of access cannot be read; after 60 seconds each request queries the database");
    while !stopped_within(&stop, interval).await {
        _ = outage.note(sessions.poll_changes().await);
    }
}
