use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use loadmaster_accounts::Customer;
use loadmaster_kernel::{Money, OrganizationId};
use loadmaster_platform::{
    telemetry::{Traced, span},
    web::{PathText, Problem, Query, private, problem_responses, unless_missing},
};

use chrono::SecondsFormat;

use crate::{
    dto::StatementPeriod,
    error::code,
    model::{CreditAccount, CreditEntry},
    service::{LONGEST_STATEMENT, PaymentService},
};

const CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8");
const HEADER: &str = "seq,created_at,kind,amount,used,limit,currency,payment_id,booking_ref,reference\n";

problem_responses!(StatementProblems: [INPUT, ROLE], NOT_FOUND);

/// Download the changes of an organization's credit in a period, oldest first, as CSV.
///
/// The first line has the balance before the period (`OPENING`), the last one that after it (`CLOSING`). Amounts are in
/// whole currency units with the currency's decimals.
#[utoipa::path(get, path = "/organizations/{id}/credit/statement", tag = "credit", operation_id = "getCreditStatement",
    params(("id" = OrganizationId, Path, description = "Id of the organization"), StatementPeriod),
    responses((status = 200, body = String, content_type = "text/csv"), StatementProblems))]
pub(super) async fn show(
    Customer(caller): Customer,
    State(payments): State<PaymentService>,
    PathText(id): PathText<OrganizationId>,
    query: Query,
) -> Result<Response, Problem> {
    let period = query.read(StatementPeriod::read);
    let StatementPeriod { from, to } =
        unless_missing(period, async { payments.credit(caller, id).await.map(drop) }).await?;
    let account = payments.credit(caller, id).await?;
    let statement = payments.credit_statement(id, from, to).in_span(span("payments.statement")).await?;
    let (before, entries) = statement;
    if entries.len() > LONGEST_STATEMENT {
        let text = format!("The period has more than {LONGEST_STATEMENT} entries; ask for a shorter one.");
        return Err(Problem::new(code::PAYLOAD_TOO_LARGE, text));
    }
    let text = written(&account, before.as_ref(), &entries, &from.to_string(), &to.to_string());
    Ok(private(([(header::CONTENT_TYPE, CSV)], text)).into_response())
}

/// Returns the statement. No value has a comma or a quote.
fn written(
    account: &CreditAccount,
    before: Option<&CreditEntry>,
    entries: &[CreditEntry],
    from: &str,
    to: &str,
) -> String {
    let amount = |minor| Money::new(minor, account.currency).amount();
    let currency = account.currency;
    let balance = |kind: &str, day: &str, entry: Option<&CreditEntry>| {
        let (seq, used, limit) = entry.map_or((0, 0, 0), |entry| (entry.seq, entry.used, entry.limit));
        format!("{seq},{day},{kind},,{},{},{currency},,,\n", amount(used), amount(limit))
    };
    let mut text = HEADER.to_owned() + &balance("OPENING", from, before);
    for entry in entries {
        let payment = entry.payment_id.map(|id| id.to_string()).unwrap_or_default();
        let booking = entry.booking.as_ref().map_or("", |(_, reference)| reference.as_str());
        let line = [
            &entry.seq.to_string(),
            &entry.created_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            entry.kind.as_str(),
            &amount(entry.amount),
            &amount(entry.used),
            &amount(entry.limit),
            currency.as_str(),
            &payment,
            booking,
            entry.reference.as_deref().unwrap_or_default(),
        ];
        text += &line.join(",");
        text.push('\n');
    }
    text + &balance("CLOSING", to, entries.last().or(before))
}
