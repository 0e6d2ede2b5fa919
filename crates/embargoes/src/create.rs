use loadmaster_accounts::Actor;
use loadmaster_kernel::UserId;
use loadmaster_platform::{
    postgres::{PgSession, commit},
    work::Command,
};

use super::{
    error::EmbargoError,
    model::{Embargo, EmbargoEventType, Terms},
    repository,
    service::EmbargoService,
};

/// Puts an embargo into force.
pub(super) struct Create {
    pub embargoes: EmbargoService,
    pub actor: UserId,
    pub terms: Terms,
}

impl Command for Create {
    const NAME: &'static str = "embargoes.create";
    type Done = Embargo;
    type Error = EmbargoError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Embargo, EmbargoError> {
        self.embargoes.create_in_tx(tx, self.terms.clone(), Actor::Caller(self.actor)).await
    }

    async fn concluded(&mut self, outcome: Result<&Embargo, &EmbargoError>) {
        if let Ok(embargo) = outcome {
            self.embargoes.changed(embargo, EmbargoEventType::Created).await;
        }
    }
}

impl EmbargoService {
    /// Puts these embargoes into force if there has never been any. Returns their number.
    pub async fn add_first(&self, terms: Vec<Terms>) -> Result<usize, EmbargoError> {
        let mut tx = self.db.begin().await?;
        let mut created = Vec::new();
        if !repository::any(&mut tx).await? {
            for terms in terms {
                created.push(self.create_in_tx(&mut tx, terms, Actor::CommandLine).await?);
            }
        }
        commit(tx).await?;
        for embargo in &created {
            self.changed(embargo, EmbargoEventType::Created).await;
        }
        Ok(created.len())
    }

    async fn create_in_tx(&self, tx: &mut PgSession, terms: Terms, actor: Actor) -> Result<Embargo, EmbargoError> {
        let now = self.clock.now();
        let id = self.ids.next(now);
        let embargo = Embargo { id, terms, version: 1, created_at: now, updated_at: now, ended_at: None };
        self.save_in_tx(tx, &embargo, EmbargoEventType::Created, actor).await?;
        Ok(embargo)
    }
}
