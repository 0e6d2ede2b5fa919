//! Each rule is seen broken, in every way that it can be.
use std::collections::BTreeMap;

use super::{books::Books, broken, document, rows};

/// What is done to the books, the rules that it breaks, and what must be said of one row for the first of them.
type Case = (&'static str, &'static [u64], &'static str);

async fn each_is_noticed(cases: &[Case], arguments: &[&str]) {
    let books = Books::keep().await;
    for (statements, rules, row) in cases {
        let database = books.spoiled(statements).await;
        let (code, told) = document(&database, arguments).await;
        assert_eq!(broken(&told), *rules, "{statements}: {told:#}");
        assert_eq!(code, 1, "{statements}");
        let rows = rows(&told, rules[0]);
        let shown: Vec<String> = rows
            .iter()
            .map(|row| {
                let key: BTreeMap<_, _> = row["key"].as_object().unwrap().iter().collect();
                let key: String =
                    key.iter().map(|(name, value)| format!(" {name}={}", value.as_str().unwrap())).collect();
                format!("{}{key}: {}", row["table"].as_str().unwrap(), row["fault"].as_str().unwrap())
            })
            .collect();
        let row = books.named(row);
        let (place, fault) = row.split_once(" / ").expect("a place and words of the fault");
        let is_told = shown.iter().any(|shown| shown.starts_with(&format!("{place}: ")) && shown.contains(fault));
        assert!(is_told, "{statements}: {row} is not among {shown:#?}");
    }
}

#[tokio::test]
async fn a_flight_that_was_oversold_at_any_moment_in_any_dimension() {
    // Row and ledger agree with each other, and all that was booked has its legs.
    each_is_noticed(
        &[
            (
                "alter table flight_capacity drop constraint flight_weight_not_oversold;
                 update flight_capacity set capacity_weight_hg = 4000 where flight_id = '{direct}';
                 update capacity_ledger set capacity_weight_hg = 4000 where flight_id = '{direct}'",
                &[1],
                "capacity_ledger flight_id={direct} seq=8 / shows the flight oversold: booked 4500 hg",
            ),
            (
                "alter table flight_capacity drop constraint flight_volume_not_oversold;
                 update flight_capacity set capacity_volume_l = 999 where flight_id = '{direct}';
                 update capacity_ledger set capacity_volume_l = 999 where flight_id = '{direct}'",
                &[1],
                "capacity_ledger flight_id={direct} seq=2 / oversold",
            ),
            (
                "alter table flight_capacity drop constraint flight_positions_not_oversold;
                 update flight_capacity set capacity_positions = 0 where flight_id = '{direct}';
                 update capacity_ledger set capacity_positions = 0 where flight_id = '{direct}'",
                &[1],
                "capacity_ledger flight_id={direct} seq=2 / 1 positions + held",
            ),
            // Only for a while: the flight has room again today.
            (
                "update capacity_ledger set capacity_weight_hg = 500 where flight_id = '{small}' and seq in (1, 2, 3)",
                &[1],
                "capacity_ledger flight_id={small} seq=2 / oversold",
            ),
        ],
        &[],
    )
    .await;
}

#[tokio::test]
async fn an_entry_that_says_it_left_something_else_than_the_replay_gives() {
    each_is_noticed(
        &[
            (
                "update capacity_ledger set booked_weight_hg = booked_weight_hg - 1
                 where flight_id = '{direct}' and seq = 3",
                &[1],
                "capacity_ledger flight_id={direct} seq=3 / this entry records",
            ),
            (
                "update capacity_ledger set held_volume_l = 1 where flight_id = '{direct}' and seq = 3",
                &[1],
                "capacity_ledger flight_id={direct} seq=3 / this entry records",
            ),
            // Only an entry of its own kind sets the capacity.
            (
                "update capacity_ledger set capacity_positions = capacity_positions + 1
                 where flight_id = '{direct}' and seq = 3",
                &[1],
                "capacity_ledger flight_id={direct} seq=3 / this entry records",
            ),
            (
                "update capacity_ledger set weight_hg = 10 where flight_id = '{direct}' and seq = 1",
                &[1],
                "capacity_ledger flight_id={direct} seq=1 / this entry records",
            ),
        ],
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_row_that_its_ledger_does_not_end_with() {
    each_is_noticed(
        &[
            (
                "update flight_capacity set booked_weight_hg = booked_weight_hg - 10 where flight_id = '{direct}'",
                &[2],
                "flight_capacity flight_id={direct} / booked_weight_hg is 3490 instead of 3500",
            ),
            (
                "update flight_capacity set held_positions = 1 where flight_id = '{direct}'",
                &[2, 11],
                "flight_capacity flight_id={direct} / held_positions is 1 instead of 0",
            ),
            (
                "update flight_capacity set capacity_volume_l = capacity_volume_l + 1 where flight_id = '{small}'",
                &[2],
                "flight_capacity flight_id={small} / capacity_volume_l is",
            ),
            (
                "update flight_capacity set ledger_seq = ledger_seq + 1 where flight_id = '{direct}'",
                &[2],
                "flight_capacity flight_id={direct} / ledger_seq is",
            ),
            (
                "update capacity_ledger set seq = seq + 1
                 where flight_id = '{other}' and seq = (select max(seq) from capacity_ledger where flight_id = '{other}')",
                &[2],
                "capacity_ledger flight_id={other} seq=3 / entry 2 is missing",
            ),
            (
                "delete from flight_capacity where flight_id = '{other}'",
                &[2],
                "capacity_ledger flight_id={other} / ledger entries and no row",
            ),
            (
                "insert into flight_capacity (flight_id, status, cutoff_at, capacity_weight_hg, capacity_volume_l,
                                              capacity_positions)
                 values ('01900000-0000-7000-8000-000000000001', 'SCHEDULED', now(), 1, 1, 1)",
                &[2],
                "flight_capacity flight_id=01900000-0000-7000-8000-000000000001 / no ledger",
            ),
        ],
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_leg_whose_space_is_not_what_its_status_says() {
    each_is_noticed(
        &[
            (
                "update booking_legs set weight_hg = weight_hg + 1 where booking_id = '{plain}'",
                &[3],
                "booking_legs booking_id={plain} flight_id={direct} leg_id={plain:leg} / its ledger entries add up to 1000 hg",
            ),
            (
                "update booking_legs set status = 'RELEASED' where booking_id = '{plain}'",
                &[3],
                "booking_legs booking_id={plain} flight_id={direct} leg_id={plain:leg} / this leg is RELEASED",
            ),
            (
                "update booking_legs set status = 'BOOKED' where booking_id = '{cancelled}'",
                &[3],
                "booking_legs booking_id={cancelled} flight_id={direct} leg_id={cancelled:leg} / its ledger entries add up to 0 hg",
            ),
            (
                "update booking_legs set status = 'DEPARTED' where booking_id = '{lost}'",
                &[3],
                "booking_legs booking_id={lost} flight_id={gone} leg_id={lost:leg} / this leg is DEPARTED",
            ),
            (
                "update booking_legs set flight_id = '{other}' where booking_id = '{plain}'",
                &[3],
                "capacity_ledger booking_id={plain} flight_id={direct} leg_id={plain:leg} / a leg on this flight that the booking does not have",
            ),
            // Entries of a leg or booking that is not there are also more than the events tell.
            (
                "update capacity_ledger set leg_id = '01900000-0000-7000-8000-000000000001'
                 where booking_id = '{plain}'",
                &[3, 4],
                "capacity_ledger booking_id={plain} flight_id={direct} leg_id=01900000-0000-7000-8000-000000000001 / a leg on this flight",
            ),
            (
                "update capacity_ledger set booking_id = '{waybill}' where booking_id = '{plain}'",
                &[3, 4],
                "capacity_ledger booking_id={waybill} flight_id={direct} leg_id={plain:leg} / a leg on this flight",
            ),
            (
                "delete from booking_legs where booking_id = '{cancelled}'",
                &[3, 4],
                "capacity_ledger booking_id={cancelled} flight_id={direct} leg_id={cancelled:leg} / a leg on this flight",
            ),
        ],
        &[],
    )
    .await;
}

#[tokio::test]
async fn legs_that_did_not_all_take_space_or_have_no_event_are_found() {
    each_is_noticed(
        &[
            (
                "update capacity_ledger set kind = 'BOOKED' where booking_id = '{amended}' and kind = 'AMENDED'",
                &[4],
                "capacity_ledger booking_id={amended} leg_id={amended:leg} / 1 / 1 / 0 times by its events, and 2 / 0 / 0 times by the ledger",
            ),
            (
                "insert into booking_legs
                 select booking_id, '01900000-0000-7000-8000-000000000001', sequence, flight_id, flight_number, origin,
                        destination, departure_at, arrival_at, 'RELEASED', offload_reason, space_code, pieces,
                        weight_hg, volume_l, positions
                 from booking_legs where booking_id = '{plain}'",
                &[4],
                "booking_legs booking_id={plain} id=01900000-0000-7000-8000-000000000001 / no event records",
            ),
            // The history knows one leg of two.
            (
                "update booking_events set data = jsonb_set(data, '{legs}', (data -> 'legs') - 1)
                 where booking_id = '{pair}'",
                &[4],
                "capacity_ledger booking_id={pair} leg_id={pair:leg2} / 0 / 0 / 0 times by its events, and 1 / 0 / 0 times by the ledger",
            ),
            // One leg took less than the booking needs.
            (
                "update booking_events set data = jsonb_set(data, '{legs,1,weight_hg}', '999')
                 where booking_id = '{pair}'",
                &[4],
                "booking_events booking_id={pair} sequence=1 / not every leg",
            ),
            // The freight was amended, the leg was not.
            (
                "update booking_events set data = data - 'legs' where booking_id = '{amended}' and sequence = 2",
                &[4],
                "booking_events booking_id={amended} sequence=2 / a leg that has not departed",
            ),
        ],
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_booking_that_is_not_as_its_events_say() {
    each_is_noticed(
        &[
            (
                "update bookings set status = 'DEPARTED' where id = '{plain}'",
                &[5],
                "bookings id={plain} ref_id={plain:ref} / status is Departed instead of Booked",
            ),
            (
                "update bookings set event_sequence = 2 where id = '{plain}'",
                &[5],
                "bookings id={plain} ref_id={plain:ref} / event_sequence is 2 instead of 1",
            ),
            // A step that no arrow leads to.
            (
                "update booking_events set event_type = 'DELIVERED', status = 'DELIVERED'
                 where booking_id = '{amended}' and sequence = 2;
                 update bookings set status = 'DELIVERED' where id = '{amended}';
                 update outbox set event_type = 'DELIVERED' where aggregate_id = '{amended}' and sequence = 2",
                &[5],
                "booking_events booking_id={amended} sequence=2 / deliver is not possible while the booking is BOOKED",
            ),
            // A status that its kind of event does not leave.
            (
                "update booking_events set status = 'ARRIVED' where booking_id = '{journey}' and sequence = 2",
                &[5],
                "booking_events booking_id={journey} sequence=2 / this event records the status ARRIVED",
            ),
            (
                "update booking_events set occurred_at = occurred_at - interval '1 day'
                 where booking_id = '{journey}' and sequence = 4",
                &[5],
                "booking_events booking_id={journey} sequence=4 / before the previous movement",
            ),
            (
                "update booking_events set sequence = 3 where booking_id = '{amended}' and sequence = 2;
                 update outbox set sequence = 3 where aggregate_id = '{amended}' and sequence = 2;
                 update bookings set event_sequence = 3 where id = '{amended}'",
                &[5],
                "booking_events booking_id={amended} sequence=3 / expected event 2 here",
            ),
            (
                "delete from booking_events where booking_id = '{journey}' and event_type = 'DELIVERED';
                 delete from outbox where aggregate_id = '{journey}' and event_type = 'DELIVERED'",
                &[5],
                "bookings id={journey} ref_id={journey:ref} / status is Delivered instead of Arrived",
            ),
            (
                "update booking_events set data_version = 2 where booking_id = '{plain}'",
                &[5],
                "booking_events booking_id={plain} sequence=1 / version 2",
            ),
            (
                "update booking_events set data = data || '{\"colour\": \"red\"}' where booking_id = '{plain}'",
                &[5],
                "booking_events booking_id={plain} sequence=1 / cannot be read",
            ),
        ],
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_booking_that_is_not_there_or_has_no_history() {
    each_is_noticed(
        &[
            (
                "delete from bookings where id = '{plain}'",
                &[5, 8],
                "booking_events booking_id={plain} / these events belong to no booking",
            ),
            (
                "delete from booking_events where booking_id = '{plain}'",
                &[4, 5, 9],
                "capacity_ledger booking_id={plain} leg_id={plain:leg} / 0 / 0 / 0 times by its events, and 1 / 0 / 0 times by the ledger",
            ),
        ],
        &[],
    )
    .await;
}

/// The answer to a booking, kept for its repetitions.
fn key(name: &str, principal: &str, location: &str) -> String {
    format!(
        "insert into idempotency_records (principal_id, method, path, key, request_hash, status, location, body)
         select {principal}, 'POST', '/api/v1/bookings', '{name}', '', 201, {location}, '' from bookings
         where id = '{{plain}}';"
    )
}

#[tokio::test]
async fn a_key_that_made_no_booking_or_anothers_or_twice_the_same() {
    const OWN: &str = "'/api/v1/bookings/{plain:ref}'";
    let books = Books::keep().await;
    let stranger = "'01900000-0000-7000-8000-000000000001'::uuid";
    let cases = [
        (key("a", "created_by", "null"), "the record names nothing, which is not a booking"),
        (
            key("a", "created_by", "'/api/v1/bookings/ACB99999'"),
            "the record names /api/v1/bookings/ACB99999, which is not a booking",
        ),
        (key("a", stranger, OWN), "created"),
        (key("a", "created_by", OWN) + &key("b", "created_by", OWN), "2 keys name"),
    ];
    for (statements, fault) in cases {
        let (code, told) = document(&books.spoiled(&statements).await, &[]).await;
        assert_eq!((broken(&told), code), (vec![7], 1), "{statements}: {told:#}");
        let row = &rows(&told, 7)[0];
        assert_eq!((&row["table"], &row["key"]["key"]), (&"idempotency_records".into(), &"a".into()), "{row}");
        assert!(row["fault"].as_str().unwrap().contains(fault), "{row}");
    }
    // One key for each booking is as it should be, and what was refused made nothing.
    let right = key("a", "created_by", OWN) + &key("b", "created_by", "null").replace("201", "409");
    let (code, told) = document(&books.spoiled(&right).await, &[]).await;
    assert_eq!((code, &told["checks"][5]["checked"]["keys"]), (0, &1.into()), "{told:#}");
}

#[tokio::test]
async fn references_and_air_waybills_that_are_not_one_bookings() {
    each_is_noticed(
        &[
            (
                "delete from booking_refs where booking_id = '{plain}'",
                &[8],
                "bookings id={plain} ref_id={plain:ref} / does not assign the reference",
            ),
            (
                "insert into booking_refs values ('ACB99999', '{plain}')",
                &[8],
                "booking_refs ref_id=ACB99999 / does not have this reference",
            ),
            // Two bookings of one reference, in whatever partitions.
            (
                "update bookings set ref_id = '{waybill:ref}' where id = '{plain}'",
                &[8],
                "bookings id={plain} ref_id={waybill:ref} / does not assign the reference",
            ),
            (
                "delete from awb_claims",
                &[8],
                "bookings awb_number=020-12345675 id={waybill} / does not assign the air waybill",
            ),
            (
                "insert into awb_claims values ('098-12345675', '{plain}')",
                &[8],
                "awb_claims awb_number=098-12345675 / has another air waybill",
            ),
            (
                "update bookings set awb_number = '020-12345675' where id = '{cancelled}';
                 update awb_claims set booking_id = '{cancelled}'",
                &[8],
                "awb_claims awb_number=020-12345675 / is cancelled",
            ),
        ],
        &[],
    )
    .await;
}

#[tokio::test]
async fn events_without_messages_and_messages_without_events() {
    // The events are of today by the database's clock, whatever the tests' clock says.
    each_is_noticed(
        &[
            (
                "update booking_events set created_at = now() where booking_id = '{plain}';
                 delete from outbox where aggregate_id = '{plain}'",
                &[9],
                "booking_events booking_id={plain} sequence=1 / lacks the message of this BOOKED",
            ),
            (
                "update flight_events set created_at = now() where flight_id = '{direct}';
                 delete from outbox where aggregate_id = '{direct}'",
                &[9],
                "flight_events flight_id={direct} sequence=1 / lacks the message of this CREATED",
            ),
            (
                "update outbox set event_type = 'CANCELLED' where aggregate_id = '{plain}'",
                &[9],
                "outbox aggregate_id={plain} sequence=1 / this message about CANCELLED",
            ),
            (
                "update outbox set sequence = 2 where aggregate_id = '{direct}'",
                &[9],
                "outbox aggregate_id={direct} sequence=2 / this message about CREATED",
            ),
            (
                "insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
                 select aggregate, aggregate_id, sequence, event_type, payload, occurred_at
                 from outbox where aggregate_id = '{plain}'",
                &[9],
                "outbox aggregate_id={plain} sequence=1 / belongs to no event",
            ),
        ],
        &[],
    )
    .await;
}

#[tokio::test]
async fn messages_may_be_gone_once_they_were_kept_long_enough() {
    let books = Books::keep().await;
    let old = "update booking_events set created_at = now() - interval '7 days'; delete from outbox
               where aggregate = 'booking'";
    let (code, told) = document(&books.spoiled(old).await, &[]).await;
    assert_eq!((code, broken(&told)), (0, vec![]), "{told:#}");
}

#[tokio::test]
async fn members_that_nothing_else_watches_differ_from_what_is_rebuilt() {
    let cases: [Case; 9] = [
        (
            "update bookings set destination = 'DXB' where id = '{plain}'",
            &[0],
            "bookings id={plain} ref_id={plain:ref} / destination is DXB instead of LHR",
        ),
        (
            "update bookings set needs_rerouting = true, moved_at = now(), version = 9 where id = '{plain}'",
            &[0],
            "bookings id={plain} ref_id={plain:ref} / version is 9 instead of 1",
        ),
        (
            "update booking_legs set departure_at = departure_at - interval '1 hour' where booking_id = '{plain}'",
            &[0],
            "booking_legs booking_id={plain} id={plain:leg} / departure is",
        ),
        (
            "update booking_legs set offload_reason = 'OFFLOADED' where booking_id = '{left}' and sequence = 1",
            &[0],
            "booking_legs booking_id={left} id={left:leg} / offload_reason is Some(Offloaded) instead of Some(NoShow)",
        ),
        (
            "update flights set departure_at = departure_at - interval '1 hour' where id = '{direct}'",
            &[0],
            "flights id={direct} / departure is",
        ),
        (
            "update flight_capacity set status = 'DEPARTED' where flight_id = '{direct}'",
            &[0],
            "flights id={direct} / status is Departed instead of Scheduled",
        ),
        (
            "update flights set cancelled_at = null where id = '{gone}'",
            &[0],
            "flights id={gone} / cancelled_at is None",
        ),
        (
            "delete from flight_events where flight_id = '{direct}'; delete from outbox where aggregate_id = '{direct}'",
            &[0],
            "flights id={direct} / no events",
        ),
        (
            "update flight_events set sequence = 3 where flight_id = '{small}' and sequence = 2;
             update outbox set sequence = 3 where aggregate_id = '{small}' and sequence = 2",
            &[0],
            "flight_events flight_id={small} sequence=3 / expected event 2 here",
        ),
    ];
    each_is_noticed(&cases, &["--rebuild"]).await;
    // Without being asked it does not look at these.
    let books = Books::keep().await;
    let (code, _) = document(&books.spoiled(cases[0].0).await, &[]).await;
    assert_eq!(code, 0);
}

#[tokio::test]
async fn every_breach_is_counted_and_the_first_are_shown() {
    let books = Books::keep().await;
    let many = "insert into booking_refs select 'ACB' || 10000 + n, '{plain}' from generate_series(1, 50) n";
    let (_, told) = document(&books.spoiled(many).await, &[]).await;
    assert_eq!((broken(&told), &told["breaches"], rows(&told, 8).len()), (vec![8], &50.into(), 20), "{told:#}");
}

#[tokio::test]
async fn a_flight_that_holds_something_else_than_holds_keep() {
    each_is_noticed(
        &[
            (
                "update flight_capacity set held_weight_hg = held_weight_hg + 10 where flight_id = '{near}'",
                &[2, 11],
                "flight_capacity flight_id={near} / held_weight_hg is 1210 instead of 1200",
            ),
            // Row and ledger agree that more is held, and no hold keeps it.
            (
                "update hold_legs set weight_hg = 1100 where hold_id = '{open}' and sequence = 1",
                &[11],
                "flight_capacity flight_id={near} / 1200 hg, 720 l, 1 positions are held; open holds keep, and set aside are, 1100 hg",
            ),
            (
                "update hold_legs set weight_hg = 1100 where hold_id = '{open}' and sequence = 1",
                &[11],
                "hold_legs flight_id={near} hold_id={open} / the hold keeps 1100 hg",
            ),
            (
                // Its flight is closed by now.
                "update flight_capacity set aside_weight_hg = 10, aside_until = now() where flight_id = '{near}'",
                &[11, 17],
                "flight_capacity flight_id={near} / are held",
            ),
            // Set aside by the row alone.
            (
                "update flight_capacity set aside_weight_hg = 1200, aside_volume_l = 720, aside_positions = 1,
                        aside_until = now() where flight_id = '{near}';
                 update hold_legs set is_open = false where hold_id = '{open}' and sequence = 1",
                &[11, 17],
                "flight_capacity flight_id={near} / 1200 hg, 720 l, 1 positions are set aside; its ledger entries add up to 0 hg",
            ),
        ],
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_hold_whose_entries_do_not_come_to_what_it_keeps() {
    each_is_noticed(
        &[
            // Another hold's entry.
            (
                "update capacity_ledger set hold_id = '{brief}' where flight_id = '{near}' and hold_id = '{given}'
                        and kind = 'HOLD_RELEASED'",
                &[11],
                "hold_legs flight_id={near} hold_id={given} / its ledger entries add up to 1000 hg",
            ),
            (
                "update capacity_ledger set hold_id = null where flight_id = '{near}' and hold_id = '{open}'
                        and kind = 'HOLD_AMENDED'",
                &[11],
                "hold_legs flight_id={near} hold_id=none / add up to 200 hg",
            ),
            (
                "update hold_legs set is_open = true where hold_id = '{given}' and sequence = 2",
                &[11],
                "hold_legs hold_id={given} sequence=2 / this leg is not open exactly as long as its hold, which is RELEASED",
            ),
            (
                "update holds set status = 'EXPIRED', ended_at = now() where id = '{open}'",
                &[11],
                "hold_legs hold_id={open} sequence=1 / which is EXPIRED",
            ),
            (
                "update holds set status = 'ACTIVE', ended_at = null where id = '{given}';
                 delete from hold_legs where hold_id = '{given}'",
                &[11],
                "holds id={given} / this hold is active and has no legs",
            ),
        ],
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_hold_that_ends_never_or_twice_or_otherwise_than_its_events_say() {
    each_is_noticed(
        &[
            (
                "update hold_events set event_type = 'EXPIRED' where hold_id = '{given}' and sequence = 2;
                 update outbox set event_type = 'EXPIRED' where aggregate_id = '{given}' and sequence = 2",
                &[11],
                "holds id={given} / this hold is RELEASED; 1 of its events end it, and the last is EXPIRED",
            ),
            (
                "update hold_events set event_type = 'RELEASED' where hold_id = '{open}' and sequence = 2;
                 update outbox set event_type = 'RELEASED' where aggregate_id = '{open}' and sequence = 2",
                &[11],
                "holds id={open} / this hold is ACTIVE; 1 of its events end it",
            ),
            (
                "insert into hold_events select hold_id, 3, 'RELEASED', actor_id, data, created_at from hold_events
                     where hold_id = '{given}' and sequence = 2;
                 update holds set event_sequence = 3 where id = '{given}';
                 insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
                     select aggregate, aggregate_id, 3, event_type, payload, occurred_at
                     from outbox where aggregate_id = '{given}' and sequence = 2",
                &[11],
                "holds id={given} / 2 of its events end it",
            ),
            (
                "delete from hold_events where hold_id = '{open}' and sequence = 2;
                 delete from outbox where aggregate_id = '{open}' and sequence = 2",
                &[11],
                "holds id={open} / its events are not numbered from 1 to 2",
            ),
            (
                "delete from hold_legs where hold_id = '{brief}'; delete from holds where id = '{brief}'",
                &[11],
                "hold_events hold_id={brief} / these events belong to no hold",
            ),
            (
                "update hold_events set created_at = now() where hold_id = '{brief}';
                 delete from outbox where aggregate_id = '{brief}' and sequence = 2",
                &[9],
                "hold_events hold_id={brief} sequence=2 / lacks the message of this EXPIRED",
            ),
            (
                "update outbox set event_type = 'EXTENDED' where aggregate_id = '{brief}' and sequence = 2",
                &[9],
                "outbox aggregate_id={brief} sequence=2 / this message about EXTENDED",
            ),
        ],
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_named_position_without_its_one_holder() {
    each_is_noticed(
        &[
            (
                "delete from position_claims where hold_id = '{open}'",
                &[11],
                "hold_legs flight_id={near} hold_id={open} / this hold names P1 and does not have it",
            ),
            (
                "update position_claims set hold_id = null, booking_id = '{plain}' where hold_id = '{open}'",
                &[11],
                "hold_legs flight_id={near} hold_id={open} / this hold names P1",
            ),
            (
                "update position_claims set hold_id = '{given}' where hold_id = '{open}'",
                &[11],
                "position_claims flight_id={near} name=P1 / hold {given} is not open with this name",
            ),
            (
                "insert into position_claims values ('{near}', 'P3', '{open}', null)",
                &[11],
                "position_claims flight_id={near} name=P3 / hold {open} is not open",
            ),
            (
                "insert into position_claims values ('{near}', 'P3', null, '{sold}')",
                &[11],
                "position_claims flight_id={near} name=P3 / booking {sold} has no right to this position",
            ),
            (
                "insert into position_claims values ('{direct}', 'P1', null, '{plain}')",
                &[11],
                "position_claims flight_id={direct} name=P1 / booking {plain} has no right",
            ),
            (
                "update position_claims set name = 'P11' where booking_id = '{sold}'",
                &[11],
                "position_claims flight_id={near} name=P11 / the flight does not have it",
            ),
        ],
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_committed_hold_that_is_not_one_booking() {
    each_is_noticed(
        &[
            (
                "update bookings set hold_id = null where id = '{sold}'; delete from position_claims where booking_id = '{sold}'",
                &[12],
                "holds id={made} / this hold is COMMITTED and names booking {sold}",
            ),
            (
                "update bookings set hold_id = '{made}' where id = '{plain}'",
                &[12],
                "bookings id={plain} / another one too names the hold",
            ),
            (
                "update bookings set hold_id = '{given}' where id = '{plain}'",
                &[12],
                "bookings id={plain} / hold {given} does not name this booking",
            ),
            (
                "update holds set booking_ref = '{plain:ref}' where id = '{made}'",
                &[12],
                "holds id={made} / names booking {sold}, which does not name it alike",
            ),
            // The neighbours change places; neither sum nor state is another after both.
            (
                "update capacity_ledger set booking_id = '{plain}' where flight_id = '{near}' and kind = 'BOOKED'",
                &[3, 4, 12],
                "capacity_ledger booking_id={plain} flight_id={near} leg_id={sold:leg} / the booking does not have",
            ),
            (
                "update capacity_ledger set weight_hg = -900 where flight_id = '{near}' and kind = 'HOLD_POSTED'",
                &[1, 11, 12],
                "capacity_ledger flight_id={near} seq=5 / this entry records",
            ),
        ],
        &[],
    )
    .await;
}
