//! Which bookings lists show, newest first.
use chrono::TimeDelta;
use loadmaster_kernel::{AwbNumber, BookingId, BookingRef};
use loadmaster_platform::postgres::PgSession;
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::read::find_all;

use crate::{
    dto::BookingFilter,
    model::{Booking, BookingAnchor},
};

type Statement = QueryBuilder<sqlx::Postgres>;

/// Returns a page of the bookings that the filter chooses.
pub(crate) async fn list(
    db: &mut PgSession,
    filter: &BookingFilter,
    after: Option<BookingAnchor>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Booking>> {
    let choose = |query: &mut Statement| {
        choose(query, filter);
        if let Some(text) = &filter.q {
            mention(query, text);
        }
    };
    page(db, filter, if filter.q.is_some() { TEXTS } else { "" }, choose, after, offset, fetch).await
}

/// Returns the ids of bookings with this reference, air waybill number or customer reference, whoever's they are; no more than
/// that many, in no order.
pub(crate) async fn named(db: &mut PgSession, name: &str, most: u32) -> sqlx::Result<Vec<Uuid>> {
    let mut query = QueryBuilder::new("(select booking_id from booking_texts where lower(customer_reference) = lower(");
    query.push_bind(name.to_owned()).push(") limit ").push_bind(i64::from(most)).push(")");
    if let Ok(reference) = name.parse::<BookingRef>() {
        query.push(" union select booking_id from booking_refs where ref_id = ").push_bind(reference);
    }
    if let Ok(number) = name.parse::<AwbNumber>() {
        query.push(" union select id from bookings where awb_number = ").push_bind(number);
    }
    query.build_query_scalar().fetch_all(db).await
}

/// Returns a page of the bookings that the filter chooses of those with these ids.
pub(crate) async fn list_of(
    db: &mut PgSession,
    filter: &BookingFilter,
    ids: Vec<Uuid>,
    after: Option<BookingAnchor>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Booking>> {
    let choose = |query: &mut Statement| {
        choose(query, filter);
        query.push(" and b.id = any(").push_bind(ids).push(")");
    };
    page(db, filter, "", choose, after, offset, fetch).await
}

/// The rows of the page are chosen first, by what stands in an index: what is shown of them is read for them alone.
async fn page(
    db: &mut PgSession,
    filter: &BookingFilter,
    texts: &str,
    choose: impl FnOnce(&mut Statement),
    after: Option<BookingAnchor>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Booking>> {
    let key = key(filter);
    let mut query = QueryBuilder::new(format!("select {key} from "));
    from(&mut query, filter);
    query.push(texts).push(" where true");
    choose(&mut query);
    if let Some(BookingAnchor(id)) = after {
        query.push(format!(" and {key} < ")).push_bind(id);
    }
    query.push(format!(" order by {key} desc limit ")).push_bind(fetch).push(" offset ").push_bind(i64::from(offset));
    let ids: Vec<Uuid> = query.build_query_scalar().fetch_all(&mut *db).await?;
    newest_first(db, &ids).await
}

/// Returns these bookings in the order of the list.
pub(crate) async fn newest_first(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Booking>> {
    let mut found = find_all(db, ids).await?;
    found.reverse();
    Ok(found)
}

/// Bookings, as `b`. Those on a flight are looked up one by one by its legs, which are few, whatever the planner takes the
/// sizes of the tables for.
fn from(query: &mut Statement, filter: &BookingFilter) {
    let Some(flight) = filter.flight_id else {
        query.push("bookings b");
        return;
    };
    query.push("(select booking_id from booking_legs where flight_id = ").push_bind(flight);
    query.push(" and status in ('BOOKED', 'DEPARTED', 'ARRIVED')) aboard");
    query.push(" cross join lateral (select * from bookings where id = aboard.booking_id offset 0) b");
}

/// The id of a booking in the order of the list, as it is read.
const fn key(filter: &BookingFilter) -> &'static str {
    if filter.flight_id.is_some() { "aboard.booking_id" } else { "b.id" }
}

const TEXTS: &str = " left join booking_texts t on t.booking_id = b.id";

/// Looks for a text in the newest bookings of the organization or, if none is given, of the route or the status: in this many of
/// those before a place. Returns the ids of those that mention it and that the whole filter chooses, newest first, and the last
/// one that was looked at, if there may be more. Whatever the filter is, no more rows are read.
pub(crate) async fn mentioning(
    db: &mut PgSession,
    filter: &BookingFilter,
    text: &str,
    before: Option<BookingId>,
    looked_at: u32,
) -> sqlx::Result<(Vec<BookingId>, Option<BookingId>)> {
    let mut query = QueryBuilder::new(
        "with looked as materialized (
             select b.id, b.ref_id, b.awb_number, b.organization_id, b.origin, b.destination, b.status, b.needs_rerouting, b.created_at
             from ",
    );
    let window = window_of(filter);
    from(&mut query, &window);
    query.push(" where true");
    choose(&mut query, &window);
    let key = key(filter);
    if let Some(before) = before {
        query.push(format!(" and {key} < ")).push_bind(before);
    }
    query.push(format!(" order by {key} desc limit ")).push_bind(i64::from(looked_at)).push(
        "), found as (
             select b.id from looked b
             left join lateral (select * from booking_texts where booking_id = b.id offset 0) t on true where true",
    );
    choose(&mut query, filter);
    mention(&mut query, text);
    query.push(
        ") select array(select id from found order by id desc), array(select id from looked order by id limit 1),
                  (select count(*) from looked)",
    );
    let (ids, last, count): (Vec<Uuid>, Vec<Uuid>, i64) = query.build_query_as().fetch_one(&mut *db).await?;
    let last = last.first().filter(|_| count == i64::from(looked_at)).copied();
    Ok((ids.into_iter().map(BookingId::from).collect(), last.map(BookingId::from)))
}

/// The part of a filter whose bookings stand together in one index, in the order of the list.
fn window_of(filter: &BookingFilter) -> BookingFilter {
    let is_of_one = filter.organization_id.is_some() || filter.flight_id.is_some();
    let is_of_route = filter.origin.is_some() || filter.destination.is_some();
    BookingFilter {
        organization_id: filter.organization_id,
        flight_id: filter.flight_id,
        created_from: filter.created_from,
        created_to: filter.created_to,
        origin: filter.origin.filter(|_| !is_of_one),
        destination: filter.destination.filter(|_| !is_of_one),
        status: filter.status.filter(|_| !is_of_one && !is_of_route),
        ..BookingFilter::default()
    }
}

/// Returns the number of bookings that the filter chooses.
pub(crate) async fn count(db: &mut PgSession, filter: &BookingFilter) -> sqlx::Result<i64> {
    let mut query = QueryBuilder::new("select count(*) from ");
    from(&mut query, filter);
    query.push(TEXTS).push(" where true");
    choose(&mut query, filter);
    if let Some(text) = &filter.q {
        mention(&mut query, text);
    }
    query.build_query_scalar().fetch_one(&mut *db).await
}

/// Chooses by all of the filter but its text. The bookings of an organization are read from its index, which includes what else
/// is chosen by: `is not distinct from` is looked up in no index. Otherwise the indexes of routes and statuses would be combined
/// with it, and each row of both read, since organizations have routes of their own.
fn choose(query: &mut Statement, filter: &BookingFilter) {
    let mut is = " = ";
    if let Some(organization) = filter.organization_id {
        query.push(" and b.organization_id = ").push_bind(organization);
        is = " is not distinct from ";
    }
    if let Some(status) = filter.status {
        query.push(" and b.status").push(is).push_bind(status.as_str());
    }
    if let Some(origin) = filter.origin {
        query.push(" and b.origin").push(is).push_bind(origin);
    }
    if let Some(destination) = filter.destination {
        query.push(" and b.destination").push(is).push_bind(destination);
    }
    // Ids begin with the millisecond of creation: bounds on them exclude the partitions of other months.
    if let Some(from) = filter.created_from {
        query.push(" and b.created_at >= ").push_bind(from);
        query.push(" and b.id >= uuid_v7_floor(").push_bind(from).push(")");
    }
    if let Some(to) = filter.created_to {
        query.push(" and b.created_at < ").push_bind(to);
        query.push(" and b.id < uuid_v7_floor(").push_bind(to + TimeDelta::milliseconds(1)).push(")");
    }
    if let Some(needs) = filter.needs_rerouting {
        query.push(if needs { " and b.needs_rerouting" } else { " and not b.needs_rerouting" });
    }
}

/// Chooses bookings that mention the text; `t` is their texts.
fn mention(query: &mut Statement, text: &str) {
    let pattern = format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
    query.push(" and (b.ref_id ilike ").push_bind(pattern.clone());
    query.push(" or b.awb_number like ").push_bind(pattern.clone());
    query.push(" or t.customer_reference ilike ").push_bind(pattern.clone());
    query.push(" or t.description ilike ").push_bind(pattern).push(")");
}
