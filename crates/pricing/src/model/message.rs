use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The data of messages: the rest is read at the rule's address.
#[derive(Debug, Serialize, ToSchema)]
pub struct TariffMessage {
    pub tariff_id: Uuid,
    pub version: i32,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SurchargeMessage {
    pub surcharge_id: Uuid,
    pub version: i32,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SaleMessage {
    pub sale_id: Uuid,
    pub version: i32,
}

/// The data of the message about an import.
#[derive(Debug, Serialize, ToSchema)]
pub struct TariffImportMessage {
    /// How many tariffs are new.
    pub created: u64,
    /// How many tariffs have a new version.
    pub updated: u64,
}

/// The data of messages about the limit of a sale.
#[derive(Debug, Serialize, ToSchema)]
pub struct SaleLimitMessage {
    pub sale_id: Uuid,
}
