use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::{
    AccountService, Attempts,
    changes::LOOK_EVERY,
    code,
    router::{self, HandlerState},
};
use crate::platform::{
    jobs::Handlers,
    postgres::Tables,
    room::{Opened, Opening, Room},
    shutdown::stopped_within,
    trouble::Trouble,
};

pub const ROOM: Room = Room {
    tags: &[("auth", "Logging in, access tokens, API keys"), ("users", "Who may do what, and who decided so")],
    codes: code::CODES,
    labels: &[("quota", &["account"])],
    tables: Tables { history: &["admin_acts"], kept: &["users", "organizations"], ..Tables::NONE },
    describe: || router::routes().describe(),
    open: |opening| Box::pin(open(opening)),
    ..Room::named("accounts")
};

async fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, ids, tokens, limiter, .. } = opening;
    let attempts = Attempts::new(limiter.clone(), &settings.rate_limit);
    let accounts =
        AccountService::new(db.clone(), &settings.auth, attempts, clock.clone(), ids.clone(), tokens.clone()).await?;
    let routes = router::routes().with_state(&HandlerState::of(opening, accounts.clone()));
    let jobs = Handlers::default().every(TimeDelta::hours(1), "expired_tokens", {
        let accounts = accounts.clone();
        move || {
            let accounts = accounts.clone();
            async move {
                let deleted = accounts.delete_expired_tokens().await?;
                tracing::info!(deleted, "expired refresh tokens deleted");
                Ok(())
            }
        }
    });
    let opened = Opened { routes, jobs, ..Opened::default() }.with(accounts.acts()).with(accounts.clone());
    Ok(opened.working(|stop| follow_changes(accounts, stop)))
}

async fn follow_changes(accounts: AccountService, stop: CancellationToken) {
    let mut trouble = Trouble::new("cannot see whose access has changed; after a minute each request asks");
    while !stopped_within(&stop, LOOK_EVERY).await {
        _ = trouble.note(accounts.learn_changes().await);
    }
}
