use loadmaster_platform::{
    audit::{Audit, Breach, Findings, Rule, Scope},
    postgres::{DbError, PgSession},
};

use super::{
    model::SALE,
    rating::price,
    repository::{self, audit::KeptQuote},
};

/// Each quote keeps its rules and the rater's version.
pub const RATED: Rule = Rule::new(13, "every kept quote rates to its lines");

/// The counter of a sale with a limit is the number of its uses, and not above the limit.
pub const USED: Rule = Rule::new(16, "a sale is used as often as it is counted");

/// Number of quotes that are checked at a time.
const PAGE: i64 = 1000;

pub(super) const AUDIT: Audit =
    Audit { rules: &[RATED, USED], run: |snapshot, scope, _| Box::pin(audit(snapshot, scope)), subjects: &[] };

async fn audit(snapshot: &mut PgSession, scope: &Scope) -> Result<Vec<(Rule, Findings)>, DbError> {
    // Neither belongs to a booking or a flight.
    if scope.leaves_out(SALE) {
        return Ok(Vec::new());
    }
    Ok(vec![(RATED, quotes(snapshot).await?), (USED, sales(snapshot).await?)])
}

async fn quotes(snapshot: &mut PgSession) -> Result<Findings, DbError> {
    let mut findings = Findings::default();
    findings.has_checked("quotes", 0);
    let mut after = None;
    loop {
        let page = repository::audit::quotes(snapshot, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(findings) };
        after = Some(last.id);
        findings.has_checked("quotes", u64::try_from(page.len()).unwrap_or_default());
        for quote in &page {
            if let Some(fault) = fault_of(quote) {
                findings.add(Breach::of("quotes", [("id", &quote.id)], fault));
            }
        }
    }
}

fn fault_of(quote: &KeptQuote) -> Option<&'static str> {
    let Some(rated) = &quote.rated else { return Some("its body cannot be read") };
    if price(rated.rater, &rated.inputs, &rated.rules).as_ref() != Some(&rated.priced) {
        return Some("its rules do not give its lines");
    }
    let sale = rated.rules.sale.as_ref().and_then(|sale| sale.rule.id);
    (sale != quote.sale_id).then_some("it names another sale than its rules")
}

async fn sales(snapshot: &mut PgSession) -> Result<Findings, DbError> {
    let mut findings = Findings::default();
    findings.has_checked("sales", repository::audit::sales(snapshot).await?.unsigned_abs());
    for row in repository::audit::sale_mismatches(snapshot).await? {
        let fault = if row.is_limit_right {
            format!("used is {} instead of {}, or above the limit", row.used, row.uses)
        } else {
            "its limit is not that of the last version of the sale".to_owned()
        };
        findings.add(Breach::of("sale_counters", [("sale_id", &row.sale_id)], fault));
    }
    Ok(findings)
}
