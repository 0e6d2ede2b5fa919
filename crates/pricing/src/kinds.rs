//! The kinds of rules that administrators keep.
use loadmaster_platform::{entries::Spans, postgres::PgSession};
use serde::Serialize;
use uuid::Uuid;

use super::{
    change::AuditedRule,
    dto::{ChangeSale, ChangeSurcharge, ChangeTariff, SaleBody, SurchargeBody, TariffBody},
    error::PricingError,
    model::{Rule, Sale, Surcharge, Tariff},
    service::PricingService,
};

impl AuditedRule for Tariff {
    type Change = ChangeTariff;

    const LIST: &'static str = "pricing.list_tariffs";
    const FIND: &'static str = "pricing.find_tariff";
    const SPANS: Spans =
        Spans { create: "pricing.create_tariff", change: "pricing.change_tariff", end: "pricing.end_tariff" };
    const PATH: &'static str = "/tariffs";

    fn shown(rule: &Rule<Self>) -> impl Serialize {
        TariffBody::from(rule)
    }

    async fn keep_in_tx(&self, prices: &PricingService, tx: &mut PgSession, _: Uuid) -> Result<(), PricingError> {
        prices.check_owner_in_tx(tx, self).await
    }
}

impl AuditedRule for Surcharge {
    type Change = ChangeSurcharge;

    const LIST: &'static str = "pricing.list_surcharges";
    const FIND: &'static str = "pricing.find_surcharge";
    const SPANS: Spans =
        Spans { create: "pricing.create_surcharge", change: "pricing.change_surcharge", end: "pricing.end_surcharge" };
    const PATH: &'static str = "/surcharges";

    fn shown(rule: &Rule<Self>) -> impl Serialize {
        SurchargeBody::from(rule)
    }
}

impl AuditedRule for Sale {
    type Change = ChangeSale;

    const LIST: &'static str = "pricing.list_sales";
    const FIND: &'static str = "pricing.find_sale";
    const SPANS: Spans =
        Spans { create: "pricing.create_sale", change: "pricing.change_sale", end: "pricing.end_sale" };
    const PATH: &'static str = "/sales";

    fn shown(rule: &Rule<Self>) -> impl Serialize {
        SaleBody::from(rule)
    }

    async fn keep_in_tx(&self, prices: &PricingService, tx: &mut PgSession, id: Uuid) -> Result<(), PricingError> {
        prices.limit_in_tx(tx, id, self).await
    }
}
