use loadmaster_platform::{postgres::PgSession, snapshot::Source};
use loadmaster_reference::REFERENCE;

use super::{acceptance::Acceptances, model::STATION, repository};

/// By when freight must be delivered, of the table of stations.
#[derive(Debug, Clone, Copy)]
pub(super) struct AcceptanceSource;

impl Source for AcceptanceSource {
    type Known = Acceptances;

    /// A station goes with its airport. What was known stays until it is read anew.
    const CHANGED_BY: &'static [&'static str] = &[STATION, REFERENCE];
    const MADE_WITH: &'static [&'static str] = &[];

    fn nothing(&self) -> Acceptances {
        Acceptances::default()
    }

    async fn read(&self, db: &mut PgSession, _: Acceptances) -> sqlx::Result<Acceptances> {
        repository::acceptances(db).await.map(Acceptances::new)
    }
}
