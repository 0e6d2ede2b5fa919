//! Wire types.
mod defaults;
mod quotes;
mod sales;
mod surcharges;
mod tariffs;

use loadmaster_kernel::{Currency, Fault, Money, Rate};
use loadmaster_platform::web::{Fields, Raw, read};

pub(super) use defaults::{DefaultTariffBody, default_sales};
pub(super) use quotes::{AskQuote, QuoteFilter};
pub use quotes::{LineBody, QuoteBody};
pub(super) use sales::{ChangeSale, CreateSale, SaleBody};
pub(super) use surcharges::{ChangeSurcharge, CreateSurcharge, SurchargeBody};
pub(super) use tariffs::{ChangeTariff, CreateTariff, Shape, TariffBody};

pub(super) const MOST_FLIGHT_NUMBERS: usize = 50;
pub(super) const MOST_HANDLING_CODES: usize = 50;
/// The longest code of a tariff or a sale, in characters.
const LONGEST_CODE: usize = 40;

/// Reads the code of a tariff or a sale: letters, digits, `-`, `_` and `.`, in capitals.
pub fn read_rule_code(raw: Raw<'_>) -> Result<String, Fault> {
    let code = read::line(LONGEST_CODE)(raw)?.trim().to_ascii_uppercase();
    if code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        return Ok(code);
    }
    Err(Fault::format("must consist of letters, digits, `-`, `_` and `.`"))
}

/// Reads an amount in the currency that another member names.
fn read_amount(fields: &mut Fields<'_>, name: &'static str, currency: Option<Currency>) -> Option<Money> {
    let text = fields.optional(name, read::any)?;
    match amount_in(&text, currency?) {
        Ok(amount) => Some(amount),
        Err(fault) => {
            fields.fault(name, &fault);
            None
        }
    }
}

fn amount_in(text: &str, currency: Currency) -> Result<Money, Fault> {
    Money::parse(text.trim(), currency)
}

/// Returns an amount of ten-thousandths as its currency writes amounts.
fn written(amount: Option<Rate>, currency: Option<Currency>) -> Option<String> {
    let text = amount?.to_string();
    let Some(decimals) = currency.map(Currency::decimals) else { return Some(text) };
    let places = usize::try_from(decimals).unwrap_or_default();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    Some(if places == 0 { whole.to_owned() } else { format!("{whole}.{fraction:0<places$}") })
}

/// Changes to the ways that a rule concerns.
macro_rules! patched_reach {
    ($patch:expr, $before:expr) => {{
        let (patch, before): (_, &Reach) = ($patch, $before);
        Reach {
            airline_code: patch.airline_code.or(before.airline_code),
            origin: patch.origin.clone().unwrap_or_else(|| before.origin.clone()),
            destination: patch.destination.clone().unwrap_or_else(|| before.destination.clone()),
            flight_numbers: patched(&patch.flight_numbers, &before.flight_numbers),
            valid_from: patch.valid_from.unwrap_or(before.valid_from),
            valid_to: patch.valid_to.or(before.valid_to),
        }
    }};
}

macro_rules! reach_of {
    ($new:expr) => {
        Reach {
            airline_code: $new.airline_code,
            origin: $new.origin,
            destination: $new.destination,
            flight_numbers: $new.flight_numbers,
            valid_from: $new.valid_from,
            valid_to: $new.valid_to,
        }
    };
}

use {patched_reach, reach_of};
