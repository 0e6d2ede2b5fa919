//! Connections that may be missed, and legs that were lost, by flight. Looked up from the legs of the flights asked about: the rows
//! that are read grow with the bookings on these.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{FlightId, FlightNumber, Weight};
use loadmaster_platform::postgres::{PgSession, column};
use uuid::Uuid;

use crate::model::{Concern, Concerned, Landing, Onward, Sum};

/// A checked query whose `$tail` selects from `at_risk` and `to_reroute`. `$1` to `$4`: the flights, when each lands, how many
/// minutes a connection takes there, and when freight that is in the air lands; `$5`: now.
///
/// The freight of a leg that has landed is there since the booking's last movement. A flight that is late leaves now at the
/// earliest. A leg is replaced by a later one at its place or before.
macro_rules! select_concerned {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query!(
            r#"with aboard as materialized (
                   select asked.flight_id, asked.minutes, l.booking_id, l.id, l.sequence, l.flight_number, l.destination,
                          l.status,
                          case l.status when 'ARRIVED' then coalesce(b.moved_at, asked.lands_at)
                                        when 'DEPARTED' then asked.in_the_air_at
                                        else asked.lands_at end as lands_at,
                          b.weight_hg, b.needs_rerouting
                   from unnest($1::uuid[], $2::timestamptz[], $3::integer[], $4::timestamptz[])
                        as asked (flight_id, lands_at, minutes, in_the_air_at)
                   cross join lateral (
                       select booking_id, id, sequence, flight_number, destination, status from booking_legs
                       where flight_id = asked.flight_id
                         and status in ('BOOKED', 'DEPARTED', 'ARRIVED', 'OFFLOADED', 'CANCELLED') offset 0) l
                   cross join lateral (
                       select status, moved_at, weight_hg, needs_rerouting from bookings
                       where id = l.booking_id offset 0) b
                   where b.status not in ('DELIVERED', 'CANCELLED')
               ), at_risk as (
                   select a.flight_id, a.booking_id, a.weight_hg, n.flight_id as onward_id, n.flight_number, f.departure_at,
                          floor(extract(epoch from greatest(f.departure_at, $5::timestamptz) - a.lands_at) / 60)::integer
                              as minutes_left,
                          n.minutes as minutes_needed
                   from aboard a
                   cross join lateral (
                       select l.flight_id, l.flight_number, l.origin, l.status,
                              case when l.flight_number = a.flight_number then 0 else a.minutes end as minutes
                       from booking_legs l
                       where l.booking_id = a.booking_id and l.status in ('BOOKED', 'DEPARTED', 'ARRIVED')
                         and (l.sequence, l.id) > (a.sequence, a.id)
                       order by l.sequence, l.id limit 1) n
                   cross join lateral (
                       select departure_at from flights where id = n.flight_id offset 0) f
                   cross join lateral (
                       select status from flight_capacity where flight_id = n.flight_id offset 0) c
                   where a.status in ('BOOKED', 'DEPARTED', 'ARRIVED') and n.status = 'BOOKED' and n.origin = a.destination
                     and c.status = 'SCHEDULED'
                     and greatest(f.departure_at, $5::timestamptz) - a.lands_at < make_interval(mins => n.minutes)
               ), to_reroute as (
                   select a.flight_id, a.booking_id, a.weight_hg from aboard a
                   where a.needs_rerouting
                     and case when a.status in ('OFFLOADED', 'CANCELLED') then
                             not exists (select from booking_legs r
                                         where r.booking_id = a.booking_id and r.id > a.id and r.sequence <= a.sequence)
                         else
                             exists (select from booking_legs x
                                     where x.booking_id = a.booking_id and x.status in ('OFFLOADED', 'CANCELLED')
                                       and not exists (select from booking_legs r
                                                       where r.booking_id = x.booking_id and r.id > x.id
                                                         and r.sequence <= x.sequence))
                             and not exists (select from booking_legs g
                                             where a.status = 'ARRIVED' and g.booking_id = a.booking_id
                                               and g.status in ('DEPARTED', 'ARRIVED')
                                               and (g.sequence, g.id) > (a.sequence, a.id))
                         end
               ) "# + $tail
            $(, $argument)*
        )
    };
}

/// Returns the sums of each flight and onward flight, the earliest onward departure first; omits flights without any. What is to be
/// rerouted has no onward flight.
pub(crate) async fn concerned(db: &mut PgSession, landings: &[Landing], now: DateTime<Utc>) -> sqlx::Result<Vec<Sum>> {
    let sums = select_concerned!(
        r#"select flight_id as "flight_id!", onward_id as "onward_id?", flight_number as "flight_number?: FlightNumber",
                  departure_at as "departure_at?", min(minutes_left) as "minutes_left?",
                  min(minutes_needed) as "minutes_needed?", count(*) as "bookings!", sum(weight_hg)::bigint as "weight!: Weight"
           from at_risk group by flight_id, onward_id, flight_number, departure_at
           union all
           select flight_id, null::uuid, null::text, null::timestamptz, null::integer, null::integer, count(*),
                  sum(weight_hg)::bigint
           from to_reroute group by flight_id
           order by 4, 2"#,
        &column(landings, |landing| landing.flight_id.uuid()),
        &column(landings, |landing| landing.at),
        &column(landings, |landing| landing.minutes_needed),
        &column(landings, |landing| landing.in_the_air),
        now,
    );
    let rows = sums.fetch_all(db).await?.into_iter();
    let sums = rows.map(|row| Sum {
        flight_id: row.flight_id.into(),
        onward: onward(row.onward_id, row.flight_number, row.departure_at, row.minutes_left, row.minutes_needed),
        bookings: row.bookings,
        weight: row.weight,
    });
    Ok(sums.collect())
}

/// Returns the next `most` bookings of a flight before `before`, newest first, that have a connection at risk or are to be
/// rerouted; only those of one concern if it is given.
pub(crate) async fn bookings_concerned(
    db: &mut PgSession,
    landing: &Landing,
    now: DateTime<Utc>,
    concern: Option<Concern>,
    (before, most): (Option<Uuid>, i64),
) -> sqlx::Result<Vec<Concerned>> {
    let landings = std::slice::from_ref(landing);
    let found = select_concerned!(
        r#"select chosen.booking_id as "booking_id!", r.onward_id as "onward_id?",
                  r.flight_number as "flight_number?: FlightNumber", r.departure_at as "departure_at?",
                  r.minutes_left as "minutes_left?", r.minutes_needed as "minutes_needed?",
                  w.booking_id is not null as "lost_leg!"
           from (select booking_id from at_risk where $6::boolean
                 union
                 select booking_id from to_reroute where $7::boolean) chosen
           left join at_risk r on r.booking_id = chosen.booking_id
           left join to_reroute w on w.booking_id = chosen.booking_id
           where $8::uuid is null or chosen.booking_id < $8
           order by 1 desc limit $9"#,
        &column(landings, |landing| landing.flight_id.uuid()),
        &column(landings, |landing| landing.at),
        &column(landings, |landing| landing.minutes_needed),
        &column(landings, |landing| landing.in_the_air),
        now,
        concern != Some(Concern::ToReroute),
        concern != Some(Concern::AtRisk),
        before,
        most,
    );
    let rows = found.fetch_all(db).await?.into_iter();
    let found = rows.map(|row| Concerned {
        booking_id: row.booking_id,
        onward: onward(row.onward_id, row.flight_number, row.departure_at, row.minutes_left, row.minutes_needed),
        is_to_reroute: row.lost_leg,
    });
    Ok(found.collect())
}

fn onward(
    flight_id: Option<Uuid>,
    flight_number: Option<FlightNumber>,
    departure: Option<DateTime<Utc>>,
    minutes_left: Option<i32>,
    minutes_needed: Option<i32>,
) -> Option<Onward> {
    Some(Onward {
        flight_id: FlightId::from(flight_id?),
        flight_number: flight_number?,
        departure: departure?,
        minutes_left: minutes_left?,
        minutes_needed: minutes_needed?,
    })
}
