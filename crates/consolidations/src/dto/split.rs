use loadmaster_accounts::Principal;
use loadmaster_kernel::{AirportCode, BookingRef, ConsolidationPartId, Money, OrganizationId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{Costs, Part, SplitLine, SplitPart, Whole, shares_of};

/// What masters cost, divided among their parts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConsolidationSplit)]
pub(crate) struct SplitBody {
    /// Those that are booked, or were, in the order of their origins.
    #[schema(max_items = 10)]
    pub masters: Vec<SplitMaster>,
}

/// What a master costs, divided among its parts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SplitMaster {
    pub origin: AirportCode,
    pub booking_ref: BookingRef,
    /// The lines of its price, then what a cancellation gives back or costs. None without a price.
    pub lines: Vec<SplitCharge>,
}

/// A line of a price, a fee or a refund, divided among parts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SplitCharge {
    /// That of the tariff, the surcharge or the sale; `CANCELLATION_FEE`, `CHANGE_FEE` or `REFUND`. Null of a sale without a code.
    #[schema(required = true)]
    pub code: Option<String>,
    /// The sum of the shares: for the owner and carrier staff the whole line, for others what your organization has of it.
    pub amount: Money,
    /// By the chargeable weights of the parts; a surcharge for a handling code among the parts with that code.
    #[schema(max_items = 200)]
    pub shares: Vec<SplitShare>,
}

/// The share of a part in a line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SplitShare {
    pub part_id: ConsolidationPartId,
    /// The organization that the part belongs to.
    pub organization_id: OrganizationId,
    /// Below zero of a discount or a refund.
    pub amount: Money,
}

impl SplitBody {
    /// Describes what this caller may read of it: the owner and the carrier's staff all, others their own shares.
    pub fn new(whole: &Whole, costs: &[Costs], caller: Principal) -> Self {
        let shows_all = whole.shows_all_to(caller);
        let master = |costs: &Costs| {
            let (parts, weighed) = (whole.aboard(costs.origin), whole.weighed(costs.origin));
            let shown = |part: &Part| whole.shows_all_of(part, caller);
            let aboard = (parts.as_slice(), weighed.as_slice());
            let all = costs.lines.iter().map(|line| SplitCharge::new(line, aboard, (shows_all, shown)));
            let lines: Vec<SplitCharge> = all.filter(|line| shows_all || !line.shares.is_empty()).collect();
            (shows_all || !lines.is_empty()).then(|| SplitMaster {
                origin: costs.origin,
                booking_ref: costs.booking_ref.clone(),
                lines,
            })
        };
        Self { masters: costs.iter().filter_map(master).collect() }
    }
}

impl SplitCharge {
    /// Divides a line among parts, and shows all of it or the shares of some.
    fn new(
        line: &SplitLine,
        (parts, weighed): (&[&Part], &[SplitPart<ConsolidationPartId>]),
        (shows_all, is_shown): (bool, impl Fn(&Part) -> bool),
    ) -> Self {
        let mut shares = Vec::with_capacity(parts.len());
        for share in shares_of(line, weighed) {
            if let Some(part) = parts.iter().find(|part| part.id == share.part && is_shown(part)) {
                let (part_id, organization_id) = (part.id, part.organization_id);
                shares.push(SplitShare { part_id, organization_id, amount: share.amount });
            }
        }
        let shown: i64 = shares.iter().map(|share| share.amount.minor()).sum();
        let amount = if shows_all { line.amount } else { line.amount.with_minor(shown) };
        Self { code: line.code.clone(), amount, shares }
    }
}
