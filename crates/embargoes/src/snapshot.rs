use loadmaster_platform::{postgres::PgSession, snapshot::Source};
use loadmaster_reference::{REFERENCE, Reference};

use super::{in_force::Embargoes, model::EMBARGO, repository};

/// The table of embargoes.
#[derive(Clone)]
pub(super) struct EmbargoSource(pub Reference);

impl Source for EmbargoSource {
    type Known = Embargoes;

    const CHANGED_BY: &'static [&'static str] = &[EMBARGO];
    /// Other airports may lie in the scopes of embargoes.
    const MADE_WITH: &'static [&'static str] = &[REFERENCE];

    fn nothing(&self) -> Embargoes {
        Embargoes::default()
    }

    async fn read(&self, db: &mut PgSession, known: Embargoes) -> sqlx::Result<Embargoes> {
        let all = repository::in_force(db).await?;
        Ok(if known.are(&all) { known } else { Embargoes::new(all, &self.0) })
    }
}
