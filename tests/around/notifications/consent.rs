//! Contacts: nobody is written to without having agreed, and nobody is asked often.
use chrono::TimeDelta;
use loadmaster_testkit::{
    Client, Watch, World, WorldOptions,
    freight::{BOOKINGS, order, text, two_flights, with},
    notifications::{
        Person, agree, confirm_path, contact, contacts_of, heard, point_of, put, told, told_to, unsubscribe_path,
    },
};
use serde_json::{Value, json};
use sqlx::{Connection, Executor};

/// The questions that were written, by address.
async fn questions(world: &World) -> Vec<String> {
    heard(world).await;
    world
        .texts(
            "select p.address from notifications n join contact_points p on p.id = n.contact_point_id
             where n.type = 'contact_question' order by n.id",
        )
        .await
}

#[tokio::test]
async fn a_new_address_gets_one_question_and_what_it_agreed_to_until_it_unsubscribes() {
    let world = World::working().await;
    let [first, second] = two_flights(&world).await;
    let (shipper, staff) = (Person::new(&world).await, world.operator().await);
    let order = with(order(&[&first, &second]), json!({"contacts": [contact("Cora@Example.com")]}));
    let booking = shipper.client.book(order.clone()).await;
    let other = shipper.client.book(order).await;
    assert_eq!(questions(&world).await, ["cora@example.com"]);
    let cora = format!("contact:{}", point_of(&world, "cora@example.com").await);
    staff.walk(&booking, &["depart"]).await;
    assert_eq!(told_to(&world, &cora).await, ["contact_question"]);

    let anyone = world.anonymous();
    let link = confirm_path(&world, "cora@example.com").await;
    // Programs that check links follow them.
    let page = anyone.get(&link).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!page.text.contains("<script") && !page.text.contains("cora@"), "{}", page.text);
    staff.walk(&booking, &["arrive"]).await;
    assert_eq!(told_to(&world, &cora).await, ["contact_question"]);

    assert_eq!(anyone.poke(&link).await.status, 200);
    staff.walk(&other, &["depart"]).await;
    assert_eq!(told_to(&world, &cora).await, ["contact_question", "departed"]);

    let link = unsubscribe_path(&world, "cora@example.com", "departed").await;
    assert_eq!(anyone.get(&link).await.status, 200);
    let one_click = anyone.post_raw(&link, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click").await;
    assert_eq!(one_click.status, 200, "{}", one_click.text);
    staff.walk(&booking, &["depart"]).await;
    staff.walk(&other, &["arrive"]).await;
    assert_eq!(told_to(&world, &cora).await, ["arrived", "contact_question", "departed"]);
    world.audit().await;
}

#[tokio::test]
async fn an_address_in_the_other_spelling_of_its_domain_gets_one_request_and_has_agreed() {
    let world = World::working().await;
    let [first, _] = two_flights(&world).await;
    let shipper = Person::new(&world).await;
    let named = |email: &str| with(order(&[&first]), json!({"contacts": [contact(email)]}));
    shipper.client.book(named("ann@bücher.example")).await;
    let booking = shipper.client.book(named("ann@xn--bcher-kva.example")).await;
    assert_eq!(questions(&world).await, ["ann@xn--bcher-kva.example"]);
    agree(&world, "ann@xn--bcher-kva.example").await;
    let name = format!("contact:{}", point_of(&world, "ann@xn--bcher-kva.example").await);
    world.operator().await.walk(&booking, &["depart"]).await;
    assert_eq!(told_to(&world, &name).await, ["contact_question", "departed"]);
}

#[tokio::test]
async fn never_is_for_ever_and_for_all() {
    let world = World::working().await;
    let [first, _] = two_flights(&world).await;
    let (one, other) = (Person::new(&world).await, Person::new(&world).await);
    let order = with(order(&[&first]), json!({"contacts": [contact("nell@example.com")]}));
    one.client.book(order.clone()).await;
    assert_eq!(questions(&world).await.len(), 1);
    let link = confirm_path(&world, "nell@example.com").await;
    let anyone = world.anonymous();
    assert_eq!(anyone.post_raw(&link, "application/x-www-form-urlencoded", "answer=never").await.status, 200);
    assert_eq!(anyone.post(&link, json!({"answer": "never"})).await.status, 200);
    anyone.poke(&link).await.expect_problem(400, "invalid_token");
    other.client.book(order.clone()).await;
    one.client.book(order).await;
    world.clock.advance(TimeDelta::days(31));
    assert_eq!(questions(&world).await.len(), 1);
}

#[tokio::test]
async fn questions_are_bounded_by_address_and_by_organization() {
    let world = World::working().await;
    let [first, _] = two_flights(&world).await;
    let mut people = Vec::new();
    for _ in 0..4 {
        people.push(Person::new(&world).await);
    }
    let asking = with(order(&[&first]), json!({"contacts": [contact("ned@example.com")]}));
    for person in &people {
        person.client.book(asking.clone()).await;
        heard(&world).await;
    }
    // Three organizations may ask one address in 30 days.
    assert_eq!(questions(&world).await.len(), 3);
    let booking = people[0].client.book(order(&[&first])).await;
    for part in 0..6 {
        let contacts: Vec<Value> = (0..10).map(|n| contact(&format!("ned{part}{n}@example.com"))).collect();
        put(&people[0].client, &contacts_of(&booking), json!(contacts)).await.expect(200);
    }
    // Fifty of one organization in a day.
    assert_eq!(questions(&world).await.len(), 3 + 49);
    world.clock.advance(TimeDelta::hours(24));
    let client = people[0].now(&world);
    put(&client, &contacts_of(&booking), json!([contact("ned59@example.com")])).await.expect(200);
    assert_eq!(questions(&world).await.last().unwrap(), "ned59@example.com");
    // Who has not answered is asked again after 30 days.
    world.clock.advance(TimeDelta::days(30));
    let client = people[0].now(&world);
    put(&client, &contacts_of(&booking), json!([contact("ned59@example.com")])).await.expect(200);
    assert_eq!(questions(&world).await.iter().filter(|address| *address == "ned59@example.com").count(), 2);
}

#[tokio::test]
async fn contacts_are_shown_replaced_and_private() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let (shipper, stranger) = (Person::new(&world).await, Person::new(&world).await);
    let booking = shipper.client.book(order(&[&first])).await;
    let path = contacts_of(&booking);
    assert_eq!(shipper.client.get(&path).await.expect(200), json!([]));
    let wanted = json!([
        {"name": "Ann", "role": "emergency", "phone": "+49 (0)69 123456", "language": "de"},
        {"name": "Bob", "role": "consignee", "email": "bob@example.com", "types": ["arrived"]},
        {"name": "Cy", "role": "shipper", "email": "cy@example.com"},
    ]);
    let shown = put(&shipper.client, &path, wanted).await.expect(200);
    assert_eq!(
        shown[0],
        json!({"name": "Ann", "role": "emergency", "email": null, "phone": "+4969123456", "language": "de",
                                "types": ["offloaded", "cancelled"]})
    );
    assert_eq!(shown[1]["types"], json!(["arrived"]));
    assert_eq!(shown[2]["types"], json!(["departed", "arrived", "delivered", "retimed", "offloaded", "cancelled"]));
    assert_eq!(shipper.client.get(&path).await.expect(200), shown);
    assert_eq!(world.operator().await.get(&path).await.expect(200), shown);
    stranger.client.get(&path).await.expect_problem(404, "not_found");
    put(&stranger.client, &path, json!([])).await.expect_problem(404, "not_found");
    put(&shipper.client, &path, json!([])).await.expect(200);
    assert_eq!(shipper.client.get(&path).await.expect(200), json!([]));
}

#[tokio::test]
async fn faults_of_contacts_are_named() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let client: Client = world.customer().await;
    let booking = client.book(order(&[&first])).await;
    let wrong = json!([{"name": "Ann", "role": "friend", "email": "ann"}, {"name": "Bob", "role": "notify"},
                       {"name": "Cy", "role": "notify", "phone": "0691234", "types": ["payment"]}]);
    let places = |faults: Vec<(String, String)>| faults.into_iter().map(|(place, _)| place).collect::<Vec<_>>();
    let faults = put(&client, &contacts_of(&booking), wrong.clone()).await.expect_faults();
    let expected = ["/0/email", "/0/role", "/1/email", "/2/phone", "/2/types/0"];
    assert_eq!(places(faults), expected);
    let faults = client.post(BOOKINGS, with(order(&[&first]), json!({ "contacts": wrong }))).await.expect_faults();
    assert_eq!(places(faults), expected.map(|place| format!("/contacts{place}")));
    let many: Vec<Value> = (0..11).map(|n| contact(&format!("n{n}@example.com"))).collect();
    assert_eq!(places(put(&client, &contacts_of(&booking), json!(many)).await.expect_faults()), [""]);
    let faults = put(&client, &contacts_of(&booking), json!([contact("ann@example.com"), "Bob"])).await.expect_faults();
    assert_eq!(faults, [("/1".to_owned(), "wrong_type".to_owned())]);
}

#[tokio::test]
async fn only_an_array_replaces_contacts() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let client = world.customer().await;
    let booking = client.book(with(order(&[&first]), json!({"contacts": [contact("ann@example.com")]}))).await;
    for body in [json!({}), json!(null), json!({"contacts": []}), json!("none")] {
        let answer = put(&client, &contacts_of(&booking), body).await;
        assert!(answer.text.contains("The body must be a JSON array."), "{}", answer.text);
        assert_eq!(answer.expect_faults(), [(String::new(), "wrong_type".to_owned())]);
    }
    let left = client.get(&contacts_of(&booking)).await.expect(200);
    assert_eq!(left[0]["email"], "ann@example.com");
}

#[tokio::test]
async fn contacts_that_are_replaced_at_the_same_time_are_those_of_one_request() {
    let world = WorldOptions::patient().start().await;
    let [first, _] = two_flights(&world).await;
    let client = world.customer().await;
    let booking = client.book(order(&[&first])).await;
    let mut owner = world.database.owner().await;
    let mut lock = owner.begin().await.unwrap();
    lock.execute("select id from bookings for update").await.unwrap();
    let replacing = ["one", "two"].map(|name| {
        let (client, path) = (client.clone(), contacts_of(&booking));
        let wanted: Vec<Value> = (0..3).map(|n| contact(&format!("{name}{n}@example.com"))).collect();
        tokio::spawn(async move { put(&client, &path, json!(wanted)).await })
    });
    Watch::over(&world.database).await.until_waiting(2).await;
    lock.rollback().await.unwrap();
    let mut answers = Vec::new();
    for one in replacing {
        answers.push(one.await.unwrap().expect(200));
    }
    let left = client.get(&contacts_of(&booking)).await.expect(200);
    assert!(answers.contains(&left), "{left}");
}

#[tokio::test]
async fn the_page_of_a_question_repeats_no_link_and_takes_one_answer() {
    let world = World::working().await;
    let [first, _] = two_flights(&world).await;
    let shipper = Person::new(&world).await;
    let rename = |name: &str| format!("update organizations set name = '{name}' where id = '{}'", shipper.organization);
    world.sql(&rename("Win at evil.example/win")).await;
    shipper.client.book(with(order(&[&first]), json!({"contacts": [contact("cora@example.com")]}))).await;
    assert_eq!(questions(&world).await.len(), 1);
    let (anyone, link) = (world.anonymous(), confirm_path(&world, "cora@example.com").await);
    let page = anyone.get(&link).await.text;
    assert!(page.contains("A shipper wants") && !page.contains("evil"), "{page}");
    world.sql(&rename("Ann & Sons")).await;
    assert!(anyone.get(&link).await.text.contains("Ann &amp; Sons wants"));
    for unclear in ["answer=agree&answer=never", "answer=", "answer=perhaps"] {
        let answer = anyone.post_raw(&link, "application/x-www-form-urlencoded", unclear).await;
        assert_eq!(answer.expect_faults(), [("/answer".to_owned(), "unknown_value".to_owned())]);
    }
    assert_eq!(world.texts("select status from contact_consents").await, ["ASKED"]);
    let agreed = anyone.post_raw(&link, "application/x-www-form-urlencoded", "answer=agree").await;
    assert_eq!(agreed.status, 200);
    assert!(agreed.text.contains("Each e-mail has a link") && agreed.text.contains("text messages"), "{}", agreed.text);
}

#[tokio::test]
async fn addresses_of_parties_are_never_written_to() {
    let world = World::working().await;
    let [first, _] = two_flights(&world).await;
    let shipper = Person::new(&world).await;
    let party = |email: &str| json!({"name": "Party", "email": email});
    let order = with(order(&[&first]), json!({"shipper": party("s@example.com"), "consignee": party("c@example.com")}));
    shipper.client.book(order).await;
    assert_eq!(told(&world).await.len(), 1);
    assert!(world.texts("select address from contact_points").await.is_empty());
}

#[tokio::test]
async fn contacts_of_a_booking_that_is_paid_for_come_with_it() {
    let world = loadmaster_testkit::payments::with_test().with_workers().start().await;
    let [first, _] = two_flights(&world).await;
    let shipper = Person::new(&world).await;
    let held = with(
        order(&[&first]),
        json!({"contacts": [contact("cora@example.com")], "customer_reference": "x",
                                              "contact": {"email": "held@example.com"}}),
    );
    let booking = shipper.client.book(held).await;
    let shown = shipper.client.get(&contacts_of(&booking)).await.expect(200);
    assert_eq!(shown[0]["email"], "cora@example.com");
    assert_eq!(questions(&world).await, ["cora@example.com"]);
    agree(&world, "cora@example.com").await;
    assert_eq!(text(&booking, "status"), "BOOKED");
}
