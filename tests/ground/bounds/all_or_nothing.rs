//! A booking whose flights cannot be changed is no booking.
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    freight::{BOOKINGS, open_order, order},
};
use sqlx::Executor;

/// The database drops every change of the room on a flight without a word.
async fn drop_changes(world: &World) {
    let statements = "create function drop_changes() returns trigger language plpgsql as $$ begin
                          if new.booked_weight_hg > old.booked_weight_hg then
                              return null;
                          end if;
                          return new;
                      end $$;
                      create trigger drop_changes before update on flight_capacity
                          for each row execute function drop_changes()";
    world.database.owner().await.execute(sqlx::raw_sql(statements)).await.unwrap();
}

#[tokio::test]
async fn a_booking_takes_space_on_all_its_flights_or_is_not_made() {
    let world = WorldOptions::patient().with_workers().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    drop_changes(&world).await;
    let customer = world.customer().await;
    for order in [order(&[&flight]), open_order("DEL", "LHR")] {
        customer.post(BOOKINGS, order).await.expect_problem(500, "internal");
    }
    assert_eq!(world.count("bookings").await, 0);
    assert_eq!(world.count("outbox where aggregate = 'booking'").await, 0);
    world.audit().await;
}
