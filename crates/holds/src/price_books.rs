use std::collections::HashMap;

use chrono::TimeDelta;
use loadmaster_kernel::{QuoteId, SaleId};
use loadmaster_pricing::{PriceRules, Quote, SaleUses};

use super::model::Hold;

/// What holds are priced by.
#[derive(Debug, Clone, Default)]
pub struct PriceBooks {
    /// Those in force when the locks were taken.
    pub rules: PriceRules,
    /// The quotes that are asked for.
    pub quotes: HashMap<QuoteId, Quote>,
    /// The uses of sales that have a limit, under their locks.
    pub sales: HashMap<SaleId, SaleUses>,
    pub terms: PriceTerms,
}

/// Settings of prices and payments.
#[derive(Debug, Clone, Copy, Default)]
pub struct PriceTerms {
    /// Nothing is booked without a price.
    pub is_required: bool,
    pub quoted_for: TimeDelta,
    /// Somebody carries out payments.
    pub has_provider: bool,
    /// A guest may book now and pay an invoice later.
    pub guests_on_invoice: bool,
}

impl PriceBooks {
    pub(super) fn is_used_up(&self, sale: SaleId) -> bool {
        self.sales.get(&sale).is_some_and(|uses| uses.is_used_up())
    }

    /// Takes note of a new hold or of one that changed, for the next decision of the batch.
    pub fn note(&mut self, before: Option<&Hold>, after: &Hold) {
        let (before, after) = (before.and_then(Hold::sale_in_use), after.sale_in_use());
        if before == after {
            return;
        }
        for (sale, change) in [(before, -1), (after, 1)] {
            if let Some(uses) = sale.and_then(|sale| self.sales.get_mut(&sale)) {
                uses.used += change;
            }
        }
    }
}
