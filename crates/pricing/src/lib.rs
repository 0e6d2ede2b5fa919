//! Prices: tariffs, surcharges and sales, and the quotes made by them. Decides which rules apply to freight on its flights and
//! what it costs. Administrators keep the rules in versions; every process knows those in force (`known`), compiled for
//! rating (`rules`), and rates by them without asking the database (`rating`). A quote keeps copies of its rules: what was
//! quoted is computed again by them, never by today's.
mod audit;
mod change;
mod dto;
mod error;
mod import;
mod kinds;
mod known;
mod metric;
mod model;
mod quote;
mod quoting;
mod rating;
mod repository;
mod room;
mod router;
mod rules;
mod service;
mod uses;
mod ways;

pub use audit::{RATED, USED};
pub use dto::{LineBody, QuoteBody, read_rule_code};
pub use error::{PricingError, code, discount_not_applicable, price_changed, quote_expired, quote_required};
pub use model::{DiscountReason, PricedLeg, Product, SALE, SALE_LIMIT, SURCHARGE, SaleUses, TARIFF, read_product};
pub use quote::{Quote, Rated};
pub use quoting::{count_quote, insert_quotes_in_tx, quotes_in_tx};
pub use rating::{PriceBasis, Priced, Sums};
pub use room::ROOM;
pub use rules::{Estimate, Freight, PriceKey, PriceRules, RatingError};
pub use service::PricingService;
pub use uses::{lock_sales_in_tx, return_uses_in_tx, sales_of_in_tx, use_sales_in_tx};
pub use ways::{On, RouteQuery, WayFinder};
