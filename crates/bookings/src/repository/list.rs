//! Which bookings lists show, and in which order.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{AwbNumber, BookingId, BookingRef};
use loadmaster_platform::{
    listing::{Anchor, By, Direction, Order, Total, in_order_of},
    postgres::PgSession,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::read::find_all;

use crate::{dto::BookingFilter, model::Booking};

type Statement = QueryBuilder<sqlx::Postgres>;

/// Which part of a list is read, and in which order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub direction: Direction,
    pub after: Option<Anchor>,
    pub offset: u32,
    pub fetch: i64,
}

/// Returns a page of the bookings that the filter chooses, in the order of creation.
pub(crate) async fn list(db: &mut PgSession, filter: &BookingFilter, part: Part) -> sqlx::Result<Vec<Booking>> {
    let ids = ids_of_list(db, filter, part).await?;
    in_order(db, &ids).await
}

/// Returns the number of bookings that a list with this filter has, as far as they are counted.
pub(crate) async fn number_of(db: &mut PgSession, filter: &BookingFilter, direction: Direction) -> sqlx::Result<Total> {
    let part = Part { direction, after: None, offset: 0, fetch: Total::LOOKED_FOR };
    Ok(Total::of(ids_of_list(db, filter, part).await?.len()))
}

async fn ids_of_list(db: &mut PgSession, filter: &BookingFilter, part: Part) -> sqlx::Result<Vec<Uuid>> {
    let choose = |query: &mut Statement| {
        choose(query, filter);
        if let Some(text) = &filter.q {
            mention(query, text);
        }
    };
    page(db, filter, if filter.q.is_some() { TEXTS } else { "" }, choose, part).await
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
    part: Part,
) -> sqlx::Result<Vec<Booking>> {
    let choose = |query: &mut Statement| {
        choose(query, filter);
        query.push(" and b.id = any(").push_bind(ids).push(")");
    };
    let ids = page(db, filter, "", choose, part).await?;
    in_order(db, &ids).await
}

/// The rows of the page are chosen first, by what stands in an index: what is shown of them is read for them alone.
async fn page(
    db: &mut PgSession,
    filter: &BookingFilter,
    texts: &str,
    choose: impl FnOnce(&mut Statement),
    part: Part,
) -> sqlx::Result<Vec<Uuid>> {
    let key = key(filter);
    let mut query = QueryBuilder::new(format!("select {key} from "));
    from(&mut query, filter);
    query.push(texts).push(" where true");
    choose(&mut query);
    let order = Order { by: By::Id, id: key, direction: part.direction };
    order.page(&mut query, part.after, part.offset, part.fetch);
    query.build_query_scalar().fetch_all(db).await
}

/// Returns these bookings in this order.
pub(crate) async fn in_order(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Booking>> {
    Ok(in_order_of(ids, find_all(db, ids).await?, |booking| booking.id.uuid()))
}

/// In which bookings a list by departure looks: the newest of those that the filter chooses. No index has the departure of a
/// booking beside what lists choose by, and each write of a booking would pay for it.
#[derive(Debug)]
pub(crate) enum Among<'a> {
    /// This number of bookings.
    Newest(i64),
    /// Those with these ids.
    Named(Vec<Uuid>),
    /// Those that mention this text, out of this number of bookings that the indexed part of the filter chooses.
    Mentioning(&'a str, i64),
}

/// Returns a page of bookings in the order of their departures, with these: of the first leg in force or, if none is, of the first
/// one.
pub(crate) async fn by_departure(
    db: &mut PgSession,
    filter: &BookingFilter,
    among: Among<'_>,
    part: Part,
) -> sqlx::Result<Vec<(DateTime<Utc>, Uuid)>> {
    let (columns, window, most) = match &among {
        Among::Newest(most) => ("b.id", filter.clone(), Some(*most)),
        Among::Named(_) => ("b.id", filter.clone(), None),
        Among::Mentioning(_, most) => (LOOKED, window_of(filter), Some(*most)),
    };
    let mut query = QueryBuilder::new(format!("with looked as materialized (select {columns} from "));
    from(&mut query, &window);
    query.push(" where true");
    choose(&mut query, &window);
    if let Among::Named(ids) = &among {
        query.push(" and b.id = any(").push_bind(ids.clone()).push(")");
    }
    if let Some(most) = most {
        query.push(format!(" order by {} desc limit ", key(filter))).push_bind(most);
    }
    query.push(
        ") select d.departs_at, b.id from looked b
           cross join lateral (
               select coalesce(min(departure_at) filter (where status in ('BOOKED', 'DEPARTED', 'ARRIVED')),
                               min(departure_at), 'epoch') as departs_at
               from booking_legs where booking_id = b.id) d",
    );
    if let Among::Mentioning(text, _) = &among {
        query.push(TEXTS_OF_LOOKED).push(" where true");
        choose(&mut query, filter);
        mention(&mut query, text);
    } else {
        query.push(" where true");
    }
    let order = Order { by: By::Time("d.departs_at"), id: "b.id", direction: part.direction };
    order.page(&mut query, part.after, part.offset, part.fetch);
    query.build_query_as().fetch_all(db).await
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
const TEXTS_OF_LOOKED: &str =
    " left join lateral (select * from booking_texts where booking_id = b.id offset 0) t on true";
/// What a list chooses by when it looks for a text.
const LOOKED: &str = "b.id, b.ref_id, b.awb_number, b.organization_id, b.origin, b.destination, b.status, b.needs_rerouting, b.created_at";

/// Looks for a text in the bookings of the organization or, if none is given, of the route or the status: in this many of those
/// behind a place. Returns the ids of those that mention it and that the whole filter chooses, in the order of creation, and the
/// last one that was looked at, if there may be more. Whatever the filter is, no more rows are read.
pub(crate) async fn mentioning(
    db: &mut PgSession,
    filter: &BookingFilter,
    text: &str,
    direction: Direction,
    after: Option<BookingId>,
    looked_at: u32,
) -> sqlx::Result<(Vec<BookingId>, Option<BookingId>)> {
    let mut query = QueryBuilder::new(format!("with looked as materialized (select {LOOKED} from "));
    let window = window_of(filter);
    from(&mut query, &window);
    query.push(" where true");
    choose(&mut query, &window);
    let order = Order { by: By::Id, id: key(filter), direction };
    order.page(&mut query, after.map(|id| Anchor::Id(id.uuid())), 0, i64::from(looked_at));
    query.push("), found as (select b.id from looked b").push(TEXTS_OF_LOOKED).push(" where true");
    choose(&mut query, filter);
    mention(&mut query, text);
    let (in_order, last_first) = (direction.order_by(&["id"]), direction.reversed().order_by(&["id"]));
    query.push(format!(
        ") select array(select id from found{in_order}), array(select id from looked{last_first} limit 1),
                  (select count(*) from looked)"
    ));
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
