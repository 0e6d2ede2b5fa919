use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    freight::{BOOKINGS, order, path_of, with},
    payments,
};
use serde_json::{Value, json};

use super::{data, refused, send};

async fn booking(world: &World, client: &loadmaster_testkit::Client) -> Value {
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    client.book(order(&[&flight])).await
}

#[tokio::test]
async fn a_shipment_travels_by_mutations_alone() {
    let world = WorldOptions::default().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let book = "mutation($flight: UUID!) { book(input: {origin: \"DEL\", destination: \"LHR\", pieces: 2, weightKg: 100.5,
        volumeM3: 1, flightIds: [$flight]}) { __typename ... on Booking { refId weightKg legs { flight { flightNumber } } } } }";
    let made = data(&customer, book, json!({"flight": flight["id"]})).await["book"].take();
    assert_eq!(made["__typename"], "Booking");
    assert_eq!(made["weightKg"], json!(100.5));
    assert_eq!(made["legs"][0]["flight"]["flightNumber"], "AI101");
    for (verb, status) in [("depart", "DEPARTED"), ("arrive", "ARRIVED"), ("deliver", "DELIVERED")] {
        world.clock.advance(TimeDelta::minutes(1));
        let query =
            format!("mutation($ref: String!) {{ {verb}(refId: $ref, input: {{notes: \"fine\"}}) {{ status }} }}");
        let variables = json!({"ref": made["refId"]});
        refused(&customer, &query, variables.clone(), "forbidden").await;
        assert_eq!(data(&operator, &query, variables).await[verb]["status"], status);
    }
}

#[tokio::test]
async fn members_of_a_booking_and_of_a_hold_with_one_name_and_other_types_need_aliases() {
    let world = WorldOptions::default().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let book = |of_hold: &str| {
        format!(
            "mutation($flight: UUID!) {{ book(input: {{origin: \"DEL\", destination: \"LHR\", pieces: 2, weightKg: 100,
            volumeM3: 1, flightIds: [$flight]}}) {{ ... on Booking {{ status }} ... on Hold {{ {of_hold} }} }} }}"
        )
    };
    let variables = json!({"flight": flight["id"]});
    let problem = send(&customer, &book("status"), variables.clone()).await.expect_problem(400, "graphql_invalid");
    let text = "`status` is selected twice, as `BookingStatus!` and as `String!`: use aliases";
    assert!(problem["detail"].as_str().unwrap().contains(text), "{problem}");
    let made = data(&customer, &book("holdStatus: status"), variables).await;
    assert_eq!(made, json!({"book": {"status": "BOOKED"}}));
}

#[tokio::test]
async fn a_booking_is_cancelled_and_its_reason_kept() {
    let world = WorldOptions::default().start().await;
    let customer = world.customer().await;
    let made = booking(&world, &customer).await;
    let cancel = "mutation($ref: String!) { cancel(refId: $ref, input: {reason: \"mistake\"}) { status } }";
    let variables = json!({"ref": made["ref_id"]});
    refused(&world.customer().await, cancel, variables.clone(), "not_found").await;
    assert_eq!(data(&customer, cancel, variables.clone()).await["cancel"]["status"], "CANCELLED");
    let again = refused(&customer, cancel, variables, "invalid_transition").await;
    assert_eq!(again["extensions"]["status"], 409);
}

#[tokio::test]
async fn room_is_held_and_committed() {
    let world = WorldOptions::default().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let mutation =
        "mutation($flight: UUID!) { hold(input: {flightIds: [$flight], weightKg: 100}) { id status flights { id } } }";
    let hold = data(&customer, mutation, json!({"flight": flight["id"]})).await["hold"].take();
    assert_eq!(hold["flights"][0]["id"], flight["id"]);
    let shown = data(&customer, "query($id: UUID!) { hold(id: $id) { status } }", json!({"id": hold["id"]})).await;
    assert_eq!(shown["hold"]["status"], hold["status"]);
    let commit = "mutation($id: UUID!) { commit(id: $id, input: {pieces: 1}) {
        __typename ... on CommittedBooking { refId holdId status } } }";
    let made = data(&customer, commit, json!({"id": hold["id"]})).await["commit"].take();
    assert_eq!(made["__typename"], "CommittedBooking");
    assert_eq!(made["holdId"], hold["id"]);
}

#[tokio::test]
async fn the_payments_of_a_booking_are_beside_it() {
    let world = payments::with_test().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    let query = "query($ref: String!) { booking(refId: $ref) { payments { id status amount { amount currency } } } }";
    let shown = data(&customer, query, json!({"ref": booking["ref_id"]})).await["booking"]["payments"].take();
    let path = format!("{}/payments", loadmaster_testkit::freight::path_of(&booking));
    let expected = customer.get(&path).await.expect(200);
    let expected: Vec<Value> = expected
        .as_array()
        .unwrap()
        .iter()
        .map(|payment| json!({"id": payment["id"], "status": payment["status"], "amount": payment["amount"]}))
        .collect();
    assert_eq!(shown, json!(expected));
}

#[tokio::test]
async fn an_argument_leads_to_no_other_operation() {
    let world = WorldOptions::default().start().await;
    let anyone = world.anonymous();
    let fields = [
        "{ flight(id: \"export\") { __typename } }",
        "{ flight(id: \"connections\") { __typename } }",
        "{ airport(code: \"popular\") { __typename } }",
        "{ station(code: \"trending\") { __typename } }",
        "mutation { cancel(refId: \"guest\") { __typename } }",
    ];
    for field in fields {
        let error = refused(&anyone, field, json!({}), "not_found").await;
        assert_eq!(error["extensions"]["status"], 404, "{field}");
    }
}

#[tokio::test]
async fn several_mutations_happen_in_their_order() {
    let world = WorldOptions::default().start().await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let made = booking(&world, &customer).await;
    let both = "mutation($ref: String!) { depart(refId: $ref) { status } arrive(refId: $ref) { status } }";
    let done = data(&operator, both, json!({"ref": made["ref_id"]})).await;
    assert_eq!(done, json!({"depart": {"status": "DEPARTED"}, "arrive": {"status": "ARRIVED"}}));
}

#[tokio::test]
async fn a_mutation_that_stands_twice_in_a_document_is_executed_once() {
    let world = WorldOptions::default().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let book = |pieces: u8, shown: &str| {
        format!(
            "book(input: {{origin: \"DEL\", destination: \"LHR\", pieces: {pieces}, weightKg: 100, volumeM3: 1,
            flightIds: [$flight]}}) {{ ... on Booking {{ {shown} }} }}"
        )
    };
    let document = |second: &str| {
        format!(
            "mutation($flight: UUID!, $yes: Boolean = true) {{
                {} ...Again @include(if: $yes) ... on Mutation {{ {second} }} ... @skip(if: $yes) {{ never: {} }} }}
            fragment Again on Mutation {{ {} }}",
            book(2, "refId"),
            book(2, "status"),
            book(2, "status"),
        )
    };
    let variables = json!({"flight": flight["id"]});
    for second in [book(3, "version"), "book: cancel(refId: \"ACB000000000\") { status }".to_owned()] {
        send(&customer, &document(&second), variables.clone()).await.expect_problem(400, "graphql_invalid");
    }
    assert_eq!(customer.get(BOOKINGS).await.expect(200), json!([]));
    let made = data(&customer, &document(&book(2, "version")), variables).await;
    let listed = customer.get(BOOKINGS).await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(made, json!({"book": {"refId": listed[0]["ref_id"], "status": "BOOKED", "version": 1}}));
}

#[tokio::test]
async fn a_member_whose_variable_is_absent_is_not_sent() {
    let world = WorldOptions::default().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let made = customer.book(with(order(&[&flight]), json!({"description": "Figs"}))).await;
    let amend = "mutation($ref: String!, $description: String, $pieces: Int, $key: String) {
        amend(refId: $ref, input: {description: $description, pieces: $pieces}, idempotencyKey: $key) {
            description pieces } }";
    let done = data(&customer, amend, json!({"ref": made["ref_id"], "pieces": 3})).await;
    assert_eq!(done["amend"], json!({"description": "Figs", "pieces": 3}));
    let done = data(&customer, amend, json!({"ref": made["ref_id"], "description": null})).await;
    assert_eq!(done["amend"], json!({"description": null, "pieces": 3}));
}

#[tokio::test]
async fn without_a_required_variable_no_mutation_happens() {
    let world = WorldOptions::default().start().await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let made = booking(&world, &customer).await;
    let both = |of: &str| {
        format!(
            "mutation($ref: String!, $other: {of}) {{ depart(refId: $ref) {{ status }} arrive(refId: $other) {{ status }} }}"
        )
    };
    let variables = json!({"ref": made["ref_id"]});
    let with_null = json!({"ref": made["ref_id"], "other": null});
    for (of, variables) in [("String!", &variables), ("String!", &with_null), ("String", &variables)] {
        send(&operator, &both(of), variables.clone()).await.expect_problem(400, "graphql_invalid");
    }
    assert_eq!(customer.get(&path_of(&made)).await.expect(200)["status"], "BOOKED");
    data(&operator, &both("String!"), json!({"ref": made["ref_id"], "other": made["ref_id"]})).await;
    assert_eq!(customer.get(&path_of(&made)).await.expect(200)["status"], "ARRIVED");
}
