use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_accounts::Principal;
use loadmaster_kernel::{
    BookingRef, Currency, Fault, FaultCode, HoldId, Money, OrganizationId, PaymentId, PaymentOperationId, UserId,
};
use loadmaster_platform::web::{Fields, Raw, list, object, read, request, with};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{
    CreditAccount, CreditEntry, CreditKind, ListedPayment, OperationKind, Payment, PaymentDue, PaymentMethod,
    PaymentStatus, TestOperation, TestPayment,
};

/// Longest token of a payment provider.
const LONGEST_TOKEN: usize = 255;
/// Longest reference of a payment of credit.
const LONGEST_REFERENCE: usize = 64;
/// Longest period of a statement, in days.
const LONGEST_PERIOD: i64 = 366;

/// Where the payer confirms a payment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PaymentAction {
    /// Address of the page on which the payer confirms the payment.
    pub url: String,
}

/// Why a payment failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PaymentFailure {
    /// The provider's word, or `provider_unavailable`.
    pub code: String,
    /// What the provider said.
    pub message: String,
}

/// A payment for a booking, or for a hold that becomes one.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentBody {
    /// Permanent identifier.
    pub id: PaymentId,
    #[schema(required = true)]
    pub booking_ref: Option<BookingRef>,
    /// The hold that it is for; null for that of a booking.
    #[schema(required = true)]
    pub hold_id: Option<HoldId>,
    /// How it is paid.
    pub method: PaymentMethod,
    /// The provider's name of the payment.
    #[schema(required = true)]
    pub provider_reference: Option<String>,
    pub status: PaymentStatus,
    pub amount: Money,
    pub captured: Money,
    pub refunded: Money,
    /// Set while the payer has to confirm it.
    #[schema(required = true)]
    pub action: Option<PaymentAction>,
    #[schema(required = true)]
    pub failure: Option<PaymentFailure>,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<&Payment> for PaymentBody {
    fn from(payment: &Payment) -> Self {
        let failure = payment.failure.as_ref();
        Self {
            id: payment.id,
            booking_ref: payment.booking.as_ref().map(|(_, reference)| reference.clone()),
            hold_id: payment.hold_id,
            method: payment.method,
            provider_reference: payment.provider_reference.clone(),
            status: payment.status,
            amount: payment.amount,
            captured: payment.amount.with_minor(payment.captured),
            refunded: payment.amount.with_minor(payment.refunded),
            action: payment.action_url.clone().map(|url| PaymentAction { url }),
            failure: failure.map(|f| PaymentFailure { code: f.code.clone(), message: f.message.clone() }),
            version: payment.version,
            created_at: payment.created_at,
            updated_at: payment.updated_at,
        }
    }
}

/// A payment as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedPayment)]
pub struct ListedPaymentBody {
    #[serde(flatten)]
    pub payment: PaymentBody,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// Null for a guest whose hold is not committed yet.
    #[schema(required = true)]
    pub organization_name: Option<String>,
    /// Refunds that are promised and not made yet, or of which nobody knows whether they were.
    pub refund_due: Money,
}

impl From<&ListedPayment> for ListedPaymentBody {
    fn from(listed: &ListedPayment) -> Self {
        let payment = &listed.payment;
        Self {
            payment: payment.into(),
            organization_id: payment.organization_id,
            organization_name: listed.organization_name.clone(),
            refund_due: payment.amount.with_minor(listed.refund_due),
        }
    }
}

request! {
    /// Which payments a list shows; filters combine with AND.
    pub struct PaymentFilter in query(caller: Principal) {
        /// Only payments with one of these statuses, separated by commas.
        #[param(value_type = Option<Vec<PaymentStatus>>, style = Form, explode = false)]
        status: Option<Vec<PaymentStatus>> = list(PaymentStatus::WORDS.len(), read::word(PaymentStatus::WORDS)),
        /// Only payments of which this is still to come: `OPEN`, neither captured nor given up; `FAILED`; `REFUND`, a refund is
        /// promised and not known to be made.
        #[param(inline)]
        due: Option<PaymentDue> = read::word(PaymentDue::WORDS),
        /// Only payments for this booking.
        ref_id: Option<BookingRef> = read::code,
        /// Only payments of this organization: for callers below operators, only their own.
        #[param(value_type = Option<uuid::Uuid>)]
        organization_id: Option<OrganizationId> = with(|fields| caller.read_organization(fields)),
    }
}

/// Reads a token of a payment provider: 1 to 255 visible ASCII characters. It is passed on, and stored nowhere.
pub fn read_token(raw: Raw<'_>) -> Result<SecretString, Fault> {
    let text = read::any(raw)?;
    match text.len() {
        0 => Err(Fault::new(FaultCode::TooShort, "must not be empty")),
        1..=LONGEST_TOKEN if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(text.into()),
        1..=LONGEST_TOKEN => Err(Fault::format("must have visible ASCII characters only")),
        _ => Err(Fault::new(FaultCode::TooLong, format!("must have at most {LONGEST_TOKEN} characters"))),
    }
}

/// An entry of the journal of the provider `test`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TestPaymentEntry)]
pub struct TestEntryBody {
    pub operation_id: PaymentOperationId,
    pub kind: OperationKind,
    pub amount: Money,
    /// Result of the attempt.
    #[schema(example = "SUCCEEDED")]
    pub outcome: String,
    /// When it happened.
    pub at: DateTime<Utc>,
}

impl TryFrom<&TestOperation> for TestEntryBody {
    type Error = sqlx::Error;

    fn try_from(entry: &TestOperation) -> sqlx::Result<Self> {
        Ok(Self {
            operation_id: entry.operation_id,
            kind: loadmaster_kernel::from_column(OperationKind::WORDS, &entry.kind)?,
            amount: Money::new(entry.amount, entry.currency),
            outcome: entry.outcome.clone(),
            at: entry.acted_at,
        })
    }
}

/// A payment as the provider `test` has it after its payer has acted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TestPayment)]
pub struct TestPaymentBody {
    /// Reference that its source gives it.
    pub reference: String,
    /// Its state.
    #[schema(example = "AUTHORIZED")]
    pub status: String,
    pub amount: Money,
}

impl From<&TestPayment> for TestPaymentBody {
    fn from(payment: &TestPayment) -> Self {
        Self {
            reference: payment.reference.clone(),
            status: payment.status.clone(),
            amount: Money::new(payment.amount, payment.currency),
        }
    }
}

/// A reference of the provider `test` in an address.
#[derive(Debug, Clone)]
pub struct TestReference(pub String);

impl FromStr for TestReference {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let digits = text.strip_prefix("test_").filter(|rest| rest.len() == 32);
        let is_one = digits.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if is_one { Ok(Self(text.to_owned())) } else { Err(Fault::format("must be a reference of the provider")) }
    }
}

/// The name of a payment provider in an address.
#[derive(Debug, Clone)]
pub struct ProviderName(pub String);

impl FromStr for ProviderName {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let is_word = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase());
        if is_word { Ok(Self(text.to_owned())) } else { Err(Fault::format("must be the name of a provider")) }
    }
}

/// A change of an organization's credit, with its state after it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreditEntry)]
pub struct CreditEntryBody {
    /// From 1, without gaps.
    pub seq: i32,
    pub kind: CreditKind,
    /// Of a `LIMIT`, the new limit.
    pub amount: Money,
    pub used: Money,
    pub limit: Money,
    /// The payment that caused it; null if none did.
    #[schema(required = true)]
    pub payment_id: Option<PaymentId>,
    #[schema(required = true)]
    pub booking_ref: Option<BookingRef>,
    /// Reference that its source gives it.
    #[schema(required = true)]
    pub reference: Option<String>,
    /// The user who caused it; null if nobody did.
    #[schema(required = true)]
    pub actor_id: Option<UserId>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

impl CreditEntryBody {
    pub fn new(entry: &CreditEntry, currency: Currency) -> Self {
        let money = |minor| Money::new(minor, currency);
        Self {
            seq: entry.seq,
            kind: entry.kind,
            amount: money(entry.amount),
            used: money(entry.used),
            limit: money(entry.limit),
            payment_id: entry.payment_id,
            booking_ref: entry.booking.as_ref().map(|(_, reference)| reference.clone()),
            reference: entry.reference.clone(),
            actor_id: entry.actor_id,
            created_at: entry.created_at,
        }
    }
}

/// The credit of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Credit)]
pub struct CreditBody {
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    pub limit: Money,
    /// Negative: a balance in the organization's favour.
    pub used: Money,
    /// What may still be charged.
    pub available: Money,
    /// The last 50, newest first.
    pub entries: Vec<CreditEntryBody>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl CreditBody {
    pub fn new(account: &CreditAccount, entries: &[CreditEntry]) -> Self {
        let entry = |entry: &CreditEntry| CreditEntryBody::new(entry, account.currency);
        Self {
            organization_id: account.organization_id,
            limit: account.money(account.limit),
            used: account.money(account.used),
            available: account.money(account.available()),
            entries: entries.iter().map(entry).collect(),
            created_at: account.created_at,
            updated_at: account.updated_at,
        }
    }
}

/// The limit of an organization's credit, as it was set.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreditLimit {
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    pub limit: Money,
    pub used: Money,
    pub available: Money,
}

impl From<&CreditAccount> for CreditLimit {
    fn from(account: &CreditAccount) -> Self {
        Self {
            organization_id: account.organization_id,
            limit: account.money(account.limit),
            used: account.money(account.used),
            available: account.money(account.available()),
        }
    }
}

request! {
    /// A new limit of an organization's credit. The first one fixes the currency.
    pub struct ChangeCredit in patch {
        limit: Money = object(read::money),
    }
}

request! {
    /// What an organization has paid the carrier.
    pub struct CreateCreditPayment in body {
        amount: Money = with(|fields| read_positive(fields)),
        /// The carrier's name of it: letters, digits, blanks and `.` `-` `_` `/`.
        #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._/ -]+$")]
        reference: String = read_reference,
    }
}

request! {
    /// A period of a statement.
    pub struct StatementPeriod in query {
        /// First day, UTC.
        from: NaiveDate = read::date,
        /// Last day, UTC; at most 366 days after the first.
        to: NaiveDate = |raw| read_end(raw, from),
    }
}

fn read_end(raw: Raw<'_>, from: Option<NaiveDate>) -> Result<NaiveDate, Fault> {
    let to = read::last_date(raw, from, "from")?;
    if from.is_some_and(|from| (to - from).num_days() > LONGEST_PERIOD) {
        return Err(Fault::new(FaultCode::OutOfOrder, format!("must be at most {LONGEST_PERIOD} days after `from`")));
    }
    Ok(to)
}

fn read_positive(fields: &mut Fields<'_>) -> Option<Money> {
    fields.required("amount", object(positive_money))
}

/// Reads an amount above zero.
fn positive_money(fields: &mut Fields<'_>) -> Option<Money> {
    let money = read::money(fields)?;
    if money.minor() > 0 {
        return Some(money);
    }
    fields.fault("amount", &Fault::new(FaultCode::TooSmall, "must be more than 0"));
    None
}

fn read_reference(raw: Raw<'_>) -> Result<String, Fault> {
    let text = read::line(LONGEST_REFERENCE)(raw)?;
    let text = text.trim();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/ -".contains(&byte));
    if is_plain {
        Ok(text.to_owned())
    } else {
        Err(Fault::format("must have letters, digits, blanks and . - _ / only"))
    }
}
