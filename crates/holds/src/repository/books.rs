use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_capacity::Space;
use loadmaster_kernel::FlightId;
use loadmaster_platform::postgres::{PgSession, column, planned_list};
use loadmaster_shipment::PositionName;
use uuid::Uuid;

use crate::{
    ask::Subject,
    books::{HoldBooks, Holder},
};

/// Locks these callers' numbers of holds until the end of the transaction, in ascending order. Comes after the locks of
/// flights, bookings and holds.
pub(crate) async fn lock_subjects(db: &mut PgSession, subjects: &[Subject]) -> sqlx::Result<()> {
    let keys = column(subjects, |subject| match subject {
        Subject::Organization(id) => id.to_string(),
        Subject::Address(key) => format!("{key:02x?}"),
    });
    sqlx::query!(
        "select pg_advisory_xact_lock(k) from (
             select distinct hashtextextended('loadmaster.holds.' || key, 0) as k from unnest($1::text[]) key
             order by 1) keys",
        &keys,
    )
    .fetch_all(db)
    .await
    .map(drop)
}

/// Reads the numbers of these callers' active holds and waiting entries, and what guests hold on these flights. An entry with
/// an offer counts as the hold that the offer is.
pub(crate) async fn books(
    db: &mut PgSession,
    subjects: &[Subject],
    guests_on: &[FlightId],
    now: DateTime<Utc>,
) -> sqlx::Result<HoldBooks> {
    let mut books = HoldBooks::default();
    let organizations: Vec<Uuid> = subjects.iter().filter_map(organization).collect();
    let addresses: Vec<Vec<u8>> = subjects.iter().filter_map(address).collect();
    let counted = sqlx::query!(
        r#"select o.id as "organization_id?", null::bytea as "address_key?",
                  (select count(*) from holds h where h.organization_id = o.id and h.is_open and h.is_counted
                   and h.expires_at > $3)
                  + (select count(*) from waitlist_entries e where e.organization_id = o.id and e.status = 'WAITING'
                     and e.is_counted) as "active!",
                  0::bigint as "lately!", null::timestamptz as "first?"
           from unnest($1::uuid[]) o (id)
           union all
           select null, a.key, (select count(*) from holds h where h.address_key = a.key and h.is_open
                                and h.is_counted and h.expires_at > $3),
                  (select count(*) from holds h where h.address_key = a.key and h.created_at > $4),
                  (select min(created_at) from holds h where h.address_key = a.key and h.created_at > $4)
           from unnest($2::bytea[]) a (key)"#,
        &organizations,
        &addresses,
        now,
        now - TimeDelta::hours(1),
    );
    for row in counted.fetch_all(&mut *db).await? {
        if let Some(id) = row.organization_id {
            books.active.insert(Subject::Organization(id.into()), row.active);
        } else if let Some(key) = row.address_key {
            books.lately.insert(key.clone(), (row.lately, row.first.unwrap_or(now)));
            books.active.insert(Subject::Address(key), row.active);
        }
    }
    if !guests_on.is_empty() {
        let held = sqlx::query!(
            r#"select l.flight_id, sum(l.weight_hg)::bigint as "weight!", sum(l.volume_l)::bigint as "volume!",
                      sum(l.positions)::bigint as "positions!"
               from hold_legs l join holds h on h.id = l.hold_id
               where l.flight_id = any($1) and l.is_open and h.is_guest and h.is_open and h.expires_at > $2
               group by l.flight_id"#,
            &planned_list(&column(guests_on, |flight| flight.uuid())),
            now,
        );
        for row in held.fetch_all(db).await? {
            books.guests.insert(row.flight_id.into(), Space::from_columns(row.weight, row.volume, row.positions));
        }
    }
    Ok(books)
}

fn organization(subject: &Subject) -> Option<Uuid> {
    match subject {
        Subject::Organization(id) => Some(id.uuid()),
        Subject::Address(_) => None,
    }
}

fn address(subject: &Subject) -> Option<Vec<u8>> {
    match subject {
        Subject::Organization(_) => None,
        Subject::Address(key) => Some(key.clone()),
    }
}

/// Reads the holders of all named positions of these flights. The claim of a hold whose time is up does not count.
pub(crate) async fn names_of(
    db: &mut PgSession,
    flights: &[FlightId],
    now: DateTime<Utc>,
    books: &mut HoldBooks,
) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select c.flight_id as "flight_id!", c.name as "name!", c.hold_id, c.booking_id
           from position_claims c left join holds h on h.id = c.hold_id
           where c.flight_id = any($1) and (c.booking_id is not null or h.expires_at > $2)"#,
        &planned_list(&column(flights, |flight| flight.uuid())),
        now,
    );
    for row in rows.fetch_all(db).await? {
        let Ok(name) = row.name.parse::<PositionName>() else { continue };
        let holder = row.hold_id.map(|id| Holder::Hold(id.into()));
        let holder = holder.or(row.booking_id.map(|_| Holder::Booking));
        books.claims.extend(holder.map(|holder| ((row.flight_id.into(), name), holder)));
    }
    Ok(())
}
