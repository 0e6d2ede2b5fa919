//! Locks that other programs hold for long.
use loadmaster_kernel::{AwbNumber, FlightId};
use uuid::Uuid;

use super::{Defect, Row, World, awb_number, is_long};

/// Runs the servers for at most `most` actions. Stops early once `is_done` holds, except under `./test --long`.
fn act(world: &mut World, most: usize, is_done: impl Fn(&World) -> bool) {
    for number in 0..most {
        if number.is_multiple_of(100) && !is_long() && is_done(world) {
            return;
        }
        world.act();
    }
}

/// A flight and three air waybills are locked while requests come, and nothing else goes wrong.
fn served_beside_locks(seed: u64) -> World {
    let mut world = World::new(seed, Defect::None);
    world.is_calm = true;
    let locked: FlightId = Uuid::from_u128(3).into();
    let claimed: Vec<AwbNumber> = (0..3).map(awb_number).collect();
    let tx = world.books.start();
    for row in claimed.iter().cloned().map(Row::Awb).chain([Row::Flight(locked)]) {
        assert!(world.books.try_lock(tx, row));
    }
    let mut needs_them = Vec::new();
    while world.requests.len() < 40 {
        let before = world.requests.len();
        world.come();
        let Some(request) = world.requests.get(before) else { continue };
        let mut orders = world.processes[request.process].lanes.iter().flat_map(|lane| &lane.inbox);
        let order = orders.find(|order| order.ticket.request == before).unwrap();
        let needs = &order.operation.needs;
        let is_claimed = needs.awb.as_ref().is_some_and(|awb| claimed.contains(awb));
        needs_them.push(needs.flights.contains(&locked) || is_claimed);
        for _ in 0..10 {
            world.act();
        }
    }
    let is_served = |world: &World| {
        world.requests.iter().zip(&needs_them).all(|(request, needs_them)| *needs_them || request.answer.is_some())
    };
    act(&mut world, 4_000, is_served);
    for (request, needs_them) in world.requests.iter().zip(&needs_them) {
        assert!(
            *needs_them || request.answer.is_some(),
            "seed {seed}: delayed by locks that it does not need: {request:?}"
        );
    }
    world.books.roll_back(tx);
    world
}

#[test]
fn locks_of_others_delay_only_the_requests_that_need_them() {
    for seed in 0..200 {
        let mut world = served_beside_locks(seed);
        act(&mut world, 16_000, |world| world.requests.iter().all(|request| request.answer.is_some()));
        assert!(world.requests.iter().all(|request| request.answer.is_some()), "seed {seed}: some wait for ever");
    }
}
