//! Decides what holds cost, by the rules in force and by quotes that were given. Pure.
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::Role;
use loadmaster_flights::Flight;
use loadmaster_kernel::{Fault, FaultCode, FlightId, QuoteId, SaleId};
use loadmaster_payments::PaymentMethod;
use loadmaster_platform::web::Patch;
use loadmaster_pricing::{DiscountReason, Freight, PriceRules, Quote, Rated, RatingError};

use super::{
    HoldError,
    ask::{CommitTerms, NewHold, Pay},
    dto::AmendHold,
    error::{HoldLimit, PriceFault},
    judge::HoldRules,
    model::{Hold, HoldKind, MOST_ATTEMPTS},
    price_books::PriceTerms,
};

impl Hold {
    /// Returns the sale of which it has a use: while it is open, and when it became a booking.
    pub fn sale_in_use(&self) -> Option<SaleId> {
        let has = self.is_open() || self.booking.is_some() || self.status == super::HoldStatus::Committed;
        self.quote.as_ref().filter(|_| has)?.sale()
    }

    /// Returns the price of what is offered on these flights by the rules in force. Sales with a limit do not apply: an offer
    /// takes no use that somebody else may need.
    pub fn offered_at(
        &self,
        rules: &PriceRules,
        flights: &[Flight],
        new: (QuoteId, TimeDelta),
        now: DateTime<Utc>,
    ) -> Option<Quote> {
        let rules = rules.without_sales(rules.limited_sales(&[]));
        let rated = rules.rate(flights, self.freight(), None, self.organization_id, now);
        rated.ok().map(|rated| self.quoted(rated, new, now))
    }

    fn quoted(&self, rated: Rated, (id, quoted_for): (QuoteId, TimeDelta), now: DateTime<Utc>) -> Quote {
        Quote {
            id,
            organization_id: self.organization_id,
            created_by: self.created_by,
            rated: Arc::new(rated),
            dimensions: self.dimensions.clone(),
            expires_at: now + quoted_for,
            created_at: now,
            channel: self.channel,
        }
    }

    fn freight(&self) -> Freight<'_> {
        Freight {
            weight: self.space.weight,
            volume: self.space.volume,
            special_handling_codes: &self.special_handling_codes,
            product: &self.product,
        }
    }
}

impl HoldRules<'_> {
    /// Returns the price of a new hold on these flights: that of the quote that it names, or by the rules of today.
    pub(super) fn price_new(&self, new: &NewHold, hold: &Hold, flights: &[Flight]) -> Result<Option<Quote>, HoldError> {
        let Some(id) = new.new.quote_id else {
            return self.price_today(hold, flights, new.new.discount_code.as_deref());
        };
        let caller = new.caller.principal;
        let quote = self.prices.quotes.get(&id);
        let own =
            quote.filter(|quote| caller.role >= Role::Operator || quote.organization_id == caller.organization_id);
        let Some(quote) = own else {
            let fault = Fault::new(FaultCode::UnknownValue, "must be one of your quotes");
            return Err(HoldError::Invalid(vec![("/quote_id", fault)]));
        };
        if quote.expires_at <= self.now {
            return Err(PriceFault::Expired(quote.expires_at).into());
        }
        let way: Vec<FlightId> = flights.iter().map(|flight| flight.id).collect();
        let is_same_code = new.new.discount_code.is_none() || new.new.discount_code.as_deref() == quote.discount_code();
        if !quote.matches(&way, &hold.freight()) || !is_same_code {
            return Err(PriceFault::OtherQuote(quote.total()).into());
        }
        if quote.sale().is_some_and(|sale| self.prices.is_used_up(sale)) {
            return Err(PriceFault::Discount(DiscountReason::UsedUp).into());
        }
        Ok(Some(quote.clone()))
    }

    /// Returns the price of a hold after a change: freight is rated by the rules of its quote, anything else by those of
    /// today.
    pub(super) fn reprice(
        &self,
        hold: &Hold,
        after: &Hold,
        patch: &AmendHold,
        flights: &[Flight],
    ) -> Result<Option<Quote>, HoldError> {
        let has_price = !matches!(hold.kind, HoldKind::Allotment);
        let code_before = hold.quote.as_ref().and_then(Quote::discount_code);
        let code = match &patch.discount_code {
            Patch::Keep => code_before,
            Patch::Clear => None,
            Patch::Set(code) => Some(code.as_str()),
        };
        let is_other = code != code_before
            || after.product != hold.product
            || after.special_handling_codes != hold.special_handling_codes
            || !after.flight_ids().eq(hold.flight_ids());
        let is_other_freight = (after.space.weight, after.space.volume) != (hold.space.weight, hold.space.volume);
        match &hold.quote {
            _ if !has_price => Ok(None),
            quote if !is_other && !is_other_freight => Ok(quote.clone()),
            Some(quote) if !is_other => {
                let quote = quote.rerated(self.new_id(), after.space.weight, after.space.volume, self.now);
                quote.map(Some).ok_or(PriceFault::TooLarge.into())
            }
            before => match self.price_today(after, flights, code)? {
                // What has a price does not lose it by a change.
                None if before.is_some() => {
                    let text = "No rate applies to the changed freight on these flights.";
                    Err(PriceFault::NoRate(text.to_owned()).into())
                }
                price => Ok(price),
            },
        }
    }

    /// Rates a hold by the rules in force. Sales of which nothing is left do not apply.
    fn price_today(&self, hold: &Hold, flights: &[Flight], code: Option<&str>) -> Result<Option<Quote>, HoldError> {
        if hold.kind == HoldKind::Allotment {
            return Ok(None);
        }
        // A use that the hold has already is its own.
        let own = hold.sale_in_use();
        let known = self.prices.sales.keys().map(|sale| (*sale, self.prices.is_used_up(*sale) && own != Some(*sale)));
        let rules = self.prices.rules.with_uses(known.chain(own.map(|sale| (sale, false))));
        match rules.rate(flights, hold.freight(), code, hold.organization_id, self.now) {
            Ok(rated) => Ok(Some(hold.quoted(rated, (self.new_id(), self.prices.terms.quoted_for), self.now))),
            Err(RatingError::NoRate(reason)) => match code {
                None => Ok(None),
                Some(code) if !rules.knows_code(code) => Err(PriceFault::Discount(DiscountReason::Unknown).into()),
                Some(_) => Err(PriceFault::NoRate(reason).into()),
            },
            Err(RatingError::Discount(reason)) => Err(PriceFault::Discount(reason).into()),
        }
    }

    /// Returns how a hold that is to become a booking is paid for, after a look at what its caller expects.
    pub(super) fn payment(&self, hold: &Hold, terms: &CommitTerms, is_guest: bool) -> Result<Pay, HoldError> {
        let price = hold.quote.as_ref().map(Quote::total);
        if self.prices.terms.is_required && price.is_none() {
            return Err(PriceFault::Required.into());
        }
        if terms.expected_total.is_some() && terms.expected_total != price {
            return Err(PriceFault::Changed(price).into());
        }
        let mut missing = hold.missing();
        let PriceTerms { has_provider, guests_on_invoice, .. } = self.prices.terms;
        let is_settled = match terms.method {
            None => guests_on_invoice,
            Some(method) => method == PaymentMethod::Token,
        };
        if is_guest && has_provider && hold.total().is_some() && !is_settled {
            missing.push("/payment_token");
        }
        let pay = match (&terms.method, hold.total()) {
            (_, None) | (None, Some(_)) => Pay::Nothing,
            (Some(PaymentMethod::Account), Some(total)) => Pay::Account(total),
            (Some(PaymentMethod::Token), Some(total)) => Pay::Token(total),
        };
        if !missing.is_empty() {
            return Err(HoldError::Incomplete(missing));
        }
        match pay {
            Pay::Token(_) if !has_provider => Err(HoldError::PaymentNotPossible("no_provider")),
            Pay::Token(_) if hold.attempts >= MOST_ATTEMPTS => {
                Err(HoldError::LimitExceeded { limit: HoldLimit::Attempts, maximum: MOST_ATTEMPTS })
            }
            pay => Ok(pay),
        }
    }
}
