use std::sync::{Arc, OnceLock};

use loadmaster_platform::{postgres::PgSession, settings::Applies, snapshot::Source};
use loadmaster_reference::{REFERENCE, Reference};

use super::{
    model::{Copied, SALE, SALE_LIMIT, SURCHARGE, Sale, TARIFF},
    repository,
    rules::{Defaults, PriceRules},
};

/// The sales of the settings.
pub type DefaultSales = Arc<[Arc<Copied<Sale>>]>;

/// From this number of changed rules on, they are compiled on a thread of their own.
const MANY: usize = 1000;

/// The tables of price rules, and what the settings say beside them.
#[derive(Clone)]
pub(super) struct RuleSource {
    pub reference: Reference,
    /// The tariff of the settings, wherever it applies.
    pub defaults: Arc<Defaults>,
    pub applies: Applies,
    pub sales: DefaultSales,
    pub is_demo: Arc<OnceLock<()>>,
}

impl RuleSource {
    /// Returns the tariff of the settings if it applies.
    pub fn defaults_now(&self) -> Option<Arc<Defaults>> {
        let applies = match self.applies {
            Applies::Demo => self.is_demo.get().is_some(),
            Applies::Always => true,
            Applies::Never => false,
        };
        applies.then(|| self.defaults.clone())
    }
}

impl Source for RuleSource {
    type Known = PriceRules;

    const CHANGED_BY: &'static [&'static str] = &[TARIFF, SURCHARGE, SALE, SALE_LIMIT];
    /// Other airports may lie in the scopes of rules.
    const MADE_WITH: &'static [&'static str] = &[REFERENCE];

    fn nothing(&self) -> PriceRules {
        PriceRules::new(&self.reference, self.defaults_now()).with_sales(&self.sales)
    }

    async fn read(&self, db: &mut PgSession, rules: PriceRules) -> sqlx::Result<PriceRules> {
        let changes = Box::pin(repository::changes(db, rules.revisions())).await?;
        if changes.len() < MANY {
            return Ok(rules.changed(changes));
        }
        let compiling = tokio::task::spawn_blocking(move || rules.changed(changes));
        compiling.await.map_err(|error| {
            tracing::error!(%error, "the price rules could not be compiled");
            sqlx::Error::WorkerCrashed
        })
    }

    fn is_not_before(read: &PriceRules, known: &PriceRules) -> bool {
        read.revisions().are_not_before(&known.revisions())
    }
}
