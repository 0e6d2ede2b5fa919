use loadmaster_accounts::Actor;
use loadmaster_kernel::{EmbargoId, UserId};
use loadmaster_platform::{postgres::PgSession, web::Precondition, work::Command};

use super::{
    change::lock_in_tx,
    error::EmbargoError,
    model::{Embargo, EmbargoEventType},
    service::EmbargoService,
};

/// Ends an embargo.
pub(super) struct End {
    pub embargoes: EmbargoService,
    pub actor: UserId,
    pub id: EmbargoId,
    pub precondition: Precondition,
}

impl Command for End {
    const NAME: &'static str = "embargoes.end";
    type Done = Embargo;
    type Error = EmbargoError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Embargo, EmbargoError> {
        let embargo = lock_in_tx(tx, self.id, &self.precondition).await?;
        let now = self.embargoes.clock.now();
        let embargo = Embargo { version: embargo.version + 1, updated_at: now, ended_at: Some(now), ..embargo };
        self.embargoes.save_in_tx(tx, &embargo, EmbargoEventType::Ended, Actor::Caller(self.actor)).await?;
        Ok(embargo)
    }

    async fn concluded(&mut self, outcome: Result<&Embargo, &EmbargoError>) {
        if let Ok(embargo) = outcome {
            self.embargoes.changed(embargo, EmbargoEventType::Ended).await;
        }
    }
}
