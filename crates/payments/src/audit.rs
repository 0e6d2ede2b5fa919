use loadmaster_platform::{
    audit::{Audit, Breach, Findings, Rule, Scope},
    postgres::{DbError, PgSession},
};

use super::{model::PAYMENT, repository};

/// A payment is what its operations made of it, nothing is charged twice, and the provider `test` has done the same.
pub const PAYMENTS: Rule = Rule::new(14, "payments follow from their operations");
/// Entries without gaps replay to the account, none charged more than its limit, and charges and refunds are those of payments.
const CREDIT: Rule = Rule::new(15, "credit follows from its entries, within its limit");

pub(super) const AUDIT: Audit =
    Audit { rules: &[PAYMENTS, CREDIT], run: |snapshot, scope, _| Box::pin(audit(snapshot, scope)), subjects: &[] };

async fn audit(snapshot: &mut PgSession, scope: &Scope) -> Result<Vec<(Rule, Findings)>, DbError> {
    if scope.leaves_out(PAYMENT) {
        return Ok(Vec::new());
    }
    Ok(vec![(PAYMENTS, payments(snapshot).await?), (CREDIT, credit(snapshot).await?)])
}

async fn payments(snapshot: &mut PgSession) -> Result<Findings, DbError> {
    let mut findings = Findings::default();
    findings.has_checked("payments", repository::audit::count(snapshot).await?.unsigned_abs());
    for payment in repository::audit::astray_payments(snapshot).await? {
        findings.add(Breach::of("payments", [("id", &payment)], "it is not what its operations made of it"));
    }
    for subject in repository::audit::paid_twice(snapshot).await? {
        let fault = "this hold or booking has several open payments";
        findings.add(Breach::of("payments", [("hold_or_booking_id", &subject)], fault));
    }
    for operation in repository::audit::astray_journal(snapshot).await? {
        let fault = "the journal of the provider `test` says otherwise than the books";
        findings.add(Breach::of("payment_operations", [("id", &operation)], fault));
    }
    Ok(findings)
}

async fn credit(snapshot: &mut PgSession) -> Result<Findings, DbError> {
    let mut findings = Findings::default();
    findings.has_checked("credit entries", repository::audit::count_entries(snapshot).await?.unsigned_abs());
    for entry in repository::audit::credit_mismatches(snapshot).await? {
        let key: [(&'static str, &dyn std::fmt::Display); 2] =
            [("organization_id", &entry.organization_id), ("seq", &entry.seq)];
        let fault = "it does not follow from the entries before it, or charges more than the limit";
        findings.add(Breach::of("credit_entries", key, fault));
    }
    for row in repository::audit::stray_charges(snapshot).await? {
        let payment = row.payment_id.map_or_else(|| "none".to_owned(), |id| id.to_string());
        let fault = format!(
            "this payment on account has {} captured and {} refunded; the entries charge {} and return {}",
            row.captured, row.refunded, row.charged, row.returned
        );
        findings.add(Breach::of("payments", [("id", &payment)], fault));
    }
    Ok(findings)
}
