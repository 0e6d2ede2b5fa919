use std::collections::{BTreeSet, HashMap, HashSet, hash_map::Entry};

use loadmaster_accounts::{Actor, Subject};
use loadmaster_kernel::{AirlineCode, Fault, FaultCode, OrganizationId, UserId};
use loadmaster_platform::{
    idempotency::Key,
    outbox::{self, Message},
    postgres::{PgSession, allow_long_statements},
    tables::{CellKind, Columns, ImportSummary, Table, TableError, TableFaults, read_apart, read_table},
    web::Fields,
    work::Command,
};
use loadmaster_reference::Reference;
use serde_json::json;
use uuid::Uuid;

use super::{
    dto::{CreateTariff, Shape},
    error::PricingError,
    model::{ImportEventType, Rule, TARIFF, Tariff, TariffImportMessage},
    repository::{self, Stored},
    service::PricingService,
};

/// The columns of an import, in the order of the documented header; also those of an export.
pub(super) const COLUMNS: [&str; 14] = [
    "code",
    "airline_code",
    "origin",
    "destination",
    "flight_numbers",
    "organization_id",
    "product",
    "handling_code",
    "currency",
    "minimum",
    "normal",
    "breaks",
    "valid_from",
    "valid_to",
];

const KINDS: &[(&str, CellKind)] = &[
    ("minimum", CellKind::Number),
    ("normal", CellKind::Number),
    ("breaks", CellKind::Number),
    ("valid_from", CellKind::Date),
    ("valid_to", CellKind::Date),
];

/// Number of tariffs that one statement writes.
const BATCH: usize = 5000;

/// The tariff of a row.
#[derive(Debug)]
pub(super) struct TariffRow {
    row: u64,
    terms: Tariff,
}

/// The organization of a row.
#[derive(Debug, Clone, Copy)]
struct Named {
    row: u64,
    organization: OrganizationId,
}

impl Named {
    fn of(row: &TariffRow) -> Option<Self> {
        Some(Self { row: row.row, organization: row.terms.organization_id? })
    }
}

/// Imports a table of tariffs by their codes, all or nothing. With `dry_run` nothing is written.
pub(super) struct ImportTariffs {
    pub prices: PricingService,
    pub actor: UserId,
    pub table: Option<Table>,
    pub dry_run: bool,
    pub rows: Option<Vec<TariffRow>>,
    /// The airlines for which the table may have tariffs; `None`: any airline.
    pub airlines: Option<BTreeSet<AirlineCode>>,
}

impl Command for ImportTariffs {
    const NAME: &'static str = "pricing.import";
    type Done = ImportSummary;
    type Error = PricingError;

    async fn prepare(&mut self, _: &Key) -> Result<(), PricingError> {
        if let Some(table) = self.table.take() {
            let reference = self.prices.reference.clone();
            let (rows, named) = read_apart(move || read(&table, &reference)).await?;
            self.rows = Some(match rows {
                Ok(rows) => rows,
                Err(PricingError::Table(TableError::Faults(faults))) => {
                    let mut connection = self.prices.db.read().await?;
                    let unknown = faults_of_organizations(&mut connection, &named).await?;
                    return Err(TableError::Faults(faults.and(unknown)).into());
                }
                Err(other) => return Err(other),
            });
        }
        Ok(())
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<ImportSummary, PricingError> {
        let Self { prices, actor, dry_run, rows, airlines, .. } = self;
        let rows = rows.as_deref().unwrap_or_default();
        if let Some(airlines) = airlines {
            faults_of_airlines(rows, airlines).unless_faulty(())?;
        }
        allow_long_statements(tx).await?;
        let revision = if *dry_run { 0 } else { repository::begin_change(tx).await? };
        let named: Vec<Named> = rows.iter().filter_map(Named::of).collect();
        let unknown = faults_of_organizations(tx, &named).await?;
        unknown.unless_faulty(())?;
        let (versions, summary) = prices.plan_in_tx(tx, rows).await?;
        if *dry_run || versions.is_empty() {
            return Ok(summary);
        }
        for batch in versions.chunks(BATCH) {
            Tariff::write(tx, batch, revision).await?;
        }
        prices.record_import_in_tx(tx, Actor::Caller(*actor), summary).await?;
        Ok(summary)
    }

    async fn concluded(&mut self, outcome: Result<&ImportSummary, &PricingError>) {
        let Ok(ImportSummary { created, updated, unchanged }) = outcome else { return };
        tracing::info!(created, updated, unchanged, dry_run = self.dry_run, "tariffs imported");
        if !self.dry_run && created + updated > 0 {
            self.prices.known.changed().await;
        }
    }
}

/// Reads a table. Fails with at most 100 faults. The organizations of rows that are right are returned also then.
fn read(table: &Table, reference: &Reference) -> (Result<Vec<TariffRow>, PricingError>, Vec<Named>) {
    let (mut seen, mut named) = (HashMap::<String, u64>::new(), Vec::new());
    let columns = Columns { required: &COLUMNS, optional: &[], kinds: KINDS };
    let rows = read_table(table, &columns, |fields, row| {
        let terms = Tariff::from(CreateTariff::read(fields, reference, Shape::Cells)?);
        match seen.entry(terms.code.clone()) {
            Entry::Vacant(free) => drop(free.insert(row)),
            Entry::Occupied(first) => {
                fields.fault("code", &Fault::format(format!("names the same tariff as row {}", first.get())));
            }
        }
        let row = TariffRow { row, terms };
        named.extend(Named::of(&row));
        Some(row)
    });
    (rows.map_err(PricingError::from), named)
}

/// Returns a fault for each row that is of no airline, or of none of these.
fn faults_of_airlines(rows: &[TariffRow], airlines: &BTreeSet<AirlineCode>) -> TableFaults {
    let mut all = TableFaults::default();
    let fault = || Fault::new(FaultCode::NotAllowed, "must be an airline of this feed");
    for TariffRow { row, terms } in rows {
        let airline = terms.reach.airline_code;
        if airline.is_some_and(|airline| airlines.contains(&airline)) {
            continue;
        }
        let value = airline.map(|airline| airline.to_string()).unwrap_or_default();
        let mut fields = Fields::of_row(*row, std::iter::once(("airline_code", value.as_str())));
        fields.fault("airline_code", &fault());
        all.add(fields.finish().into_iter().take(1));
    }
    all
}

/// Returns a fault for each row whose organization does not exist.
async fn faults_of_organizations(db: &mut PgSession, rows: &[Named]) -> Result<TableFaults, PricingError> {
    let named: HashSet<OrganizationId> = rows.iter().map(|row| row.organization).collect();
    if named.is_empty() {
        return Ok(TableFaults::default());
    }
    let named: Vec<OrganizationId> = named.into_iter().collect();
    let known = repository::organizations(db, &named).await?;
    let faults = rows.iter().filter(|row| !known.contains(&row.organization)).flat_map(|row| {
        let value = row.organization.to_string();
        let mut fields = Fields::of_row(row.row, std::iter::once(("organization_id", value.as_str())));
        let fault = Fault::new(FaultCode::UnknownValue, "must be the id of an existing organization");
        fields.fault("organization_id", &fault);
        fields.finish().into_iter().take(1)
    });
    let mut all = TableFaults::default();
    all.add(faults);
    Ok(all)
}

impl PricingService {
    /// Returns the command that imports a table of tariffs of these airlines on behalf of a user, or with `is_dry_run` counts what
    /// that would change.
    pub fn tariffs_to_import(
        &self,
        table: Table,
        airlines: BTreeSet<AirlineCode>,
        actor: UserId,
        is_dry_run: bool,
    ) -> impl Command<Done = ImportSummary, Error = PricingError> + use<> {
        let (prices, table, airlines) = (self.clone(), Some(table), Some(airlines));
        ImportTariffs { prices, actor, table, dry_run: is_dry_run, rows: None, airlines }
    }

    /// Returns the versions to be written, and the numbers of what changes.
    async fn plan_in_tx(
        &self,
        tx: &mut PgSession,
        rows: &[TariffRow],
    ) -> Result<(Vec<Rule<Tariff>>, ImportSummary), PricingError> {
        let codes: Vec<&str> = rows.iter().map(|row| row.terms.code.as_str()).collect();
        let known = repository::find_by_codes(tx, &codes).await?;
        let known: HashMap<&str, &Rule<Tariff>> = known.iter().map(|rule| (rule.terms.code.as_str(), rule)).collect();
        let now = self.clock.now();
        let (mut versions, mut summary) = (Vec::new(), ImportSummary::default());
        for TariffRow { terms, .. } in rows {
            let terms = terms.clone();
            match known.get(terms.code.as_str()) {
                Some(rule) if rule.terms == terms => summary.unchanged += 1,
                Some(rule) => {
                    let version = rule.version + 1;
                    versions.push(Rule { terms, version, updated_at: now, ..(*rule).clone() });
                    summary.updated += 1;
                }
                None => {
                    let id = self.ids.next(now);
                    versions.push(Rule { id, version: 1, terms, created_at: now, updated_at: now, ended_at: None });
                    summary.created += 1;
                }
            }
        }
        Ok((versions, summary))
    }

    /// One act and one message for all tariffs.
    async fn record_import_in_tx(
        &self,
        tx: &mut PgSession,
        actor: Actor,
        ImportSummary { created, updated, .. }: ImportSummary,
    ) -> Result<(), PricingError> {
        let data = json!({"created": created, "updated": updated});
        self.acts.record_in_tx(tx, actor, "tariffs.imported", Subject::new("tariffs", "all"), data).await?;
        let now = self.clock.now();
        let import: Uuid = self.ids.next(now);
        let message = Message {
            aggregate: TARIFF,
            aggregate_id: import,
            organization: None,
            subject: &import.to_string(),
            sequence: 1,
            event_type: ImportEventType::Imported.as_str(),
            data: TariffImportMessage { created, updated },
            occurred_at: now,
            trace: None,
        };
        Ok(outbox::append_in_tx(tx, &[message]).await?)
    }
}
