use loadmaster_kernel::UserId;
use uuid::Uuid;

use super::{Entry, Step};

use crate::{postgres::PgSession, web::Precondition, work::Command};

/// Puts an entry into force.
pub struct Create<E: Entry> {
    pub keeper: E::Keeper,
    pub actor: UserId,
    pub terms: E::Terms,
}

impl<E: Entry> Command for Create<E> {
    const NAME: &'static str = E::SPANS.create;
    type Done = E;
    type Error = E::Error;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<E, E::Error> {
        let begun = E::begin_in_tx(tx).await?;
        let entry = E::created(&self.keeper, self.terms.clone());
        entry.save_in_tx(&self.keeper, tx, Step::Created, self.actor, begun).await?;
        Ok(entry)
    }

    async fn concluded(&mut self, outcome: Result<&E, &E::Error>) {
        if let Ok(entry) = outcome {
            entry.saved(&self.keeper, Step::Created).await;
        }
    }
}

/// Changes an entry in force: a new version.
pub struct Change<E: Entry> {
    pub keeper: E::Keeper,
    pub actor: UserId,
    pub id: Uuid,
    pub precondition: Precondition,
    pub wanted: E::Change,
    pub has_changed: bool,
}

impl<E: Entry> Command for Change<E> {
    const NAME: &'static str = E::SPANS.change;
    type Done = E;
    type Error = E::Error;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<E, E::Error> {
        let begun = E::begin_in_tx(tx).await?;
        let entry: E = lock_in_tx(tx, self.id, &self.precondition).await?;
        let changed = entry.changed(&self.keeper, &self.wanted)?;
        self.has_changed = changed.is_some();
        let Some(changed) = changed else { return Ok(entry) };
        changed.save_in_tx(&self.keeper, tx, Step::Changed, self.actor, begun).await?;
        Ok(changed)
    }

    async fn concluded(&mut self, outcome: Result<&E, &E::Error>) {
        if let Ok(entry) = outcome
            && self.has_changed
        {
            entry.saved(&self.keeper, Step::Changed).await;
        }
    }
}

/// Ends an entry.
pub struct End<E: Entry> {
    pub keeper: E::Keeper,
    pub actor: UserId,
    pub id: Uuid,
    pub precondition: Precondition,
}

impl<E: Entry> Command for End<E> {
    const NAME: &'static str = E::SPANS.end;
    type Done = E;
    type Error = E::Error;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<E, E::Error> {
        let begun = E::begin_in_tx(tx).await?;
        let entry: E = lock_in_tx(tx, self.id, &self.precondition).await?;
        let ended = entry.ended(&self.keeper);
        ended.save_in_tx(&self.keeper, tx, Step::Ended, self.actor, begun).await?;
        Ok(ended)
    }

    async fn concluded(&mut self, outcome: Result<&E, &E::Error>) {
        if let Ok(entry) = outcome {
            entry.saved(&self.keeper, Step::Ended).await;
        }
    }
}

/// Returns an entry in force that still has the version that the caller knows.
async fn lock_in_tx<E: Entry>(tx: &mut PgSession, id: Uuid, precondition: &Precondition) -> Result<E, E::Error> {
    let found = E::lock_in_tx(tx, id).await?.filter(|entry| !entry.is_ended());
    let entry = found.ok_or_else(|| E::unknown(id))?;
    precondition.check(entry.version()).map_err(E::version_mismatch)?;
    Ok(entry)
}
