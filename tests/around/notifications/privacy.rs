//! Erasing a person erases contacts, addresses and preferences.
use loadmaster_privacy::PrivacyService;
use loadmaster_testkit::{
    World,
    freight::{each, order, text, two_flights, with},
    letters::{directory, letters, sent, writing},
    notifications::{PREFERENCES, Person, agree, contact, heard, put},
};
use serde_json::{Value, json};

#[tokio::test]
async fn contacts_addresses_and_preferences_are_exported_and_erased() {
    let world = World::working().await;
    let [first, _] = two_flights(&world).await;
    let (person, other) = (Person::new(&world).await, Person::new(&world).await);
    put(&person.client, PREFERENCES, json!({"scope": "organization"})).await.expect(200);
    let contacts = json!({"contacts": [contact("only@erasing.example"), contact("both@erasing.example")]});
    person.client.book(with(order(&[&first]), contacts)).await;
    other.client.book(with(order(&[&first]), json!({"contacts": [contact("both@erasing.example")]}))).await;
    heard(&world).await;
    agree(&world, "only@erasing.example").await;
    let privacy: PrivacyService = world.state().service().unwrap();
    let export = privacy.export(person.id.into()).await.unwrap();
    assert_eq!(export["notification_preferences"]["scope"], "organization");
    assert_eq!(export["bookings"][0]["contacts"][0]["email"], "only@erasing.example");
    assert_eq!(export["contact_consents"].as_array().unwrap().len(), 2);
    let mut notifications: Vec<_> =
        each(&export["notifications"], "type").into_iter().filter_map(Value::as_str).collect();
    notifications.sort_unstable();
    assert_eq!(notifications, ["booking_confirmed", "contact_question", "contact_question"]);
    assert_eq!(privacy.erase(person.id.into()).await.unwrap(), 1, "the booking that has lost its contacts");
    assert!(world.found(&["only@erasing.example"]).await.is_empty());
    let left = world.texts("select address from contact_points").await;
    assert_eq!(left, ["both@erasing.example"]);
    assert!(
        world
            .texts(&format!("select user_id::text from notifications where user_id = '{}'", person.id))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn letters_to_contacts_are_erased_from_the_mailbox_with_the_person_who_named_them() {
    let files = directory();
    let world = writing(files.path()).await;
    let [first, _] = two_flights(&world).await;
    let (person, other) = (Person::new(&world).await, Person::new(&world).await);
    let contacts = json!({"contacts": [contact("only@erasing.example"), contact("both@erasing.example")]});
    person.client.book(with(order(&[&first]), contacts)).await;
    heard(&world).await;
    other.client.book(with(order(&[&first]), json!({"contacts": [contact("both@erasing.example")]}))).await;
    sent(&world).await;
    let to = async |address: &str| letters(&world).await.iter().filter(|letter| text(letter, "to") == address).count();
    assert_eq!((to("only@erasing.example").await, to("both@erasing.example").await), (1, 2));
    let privacy: PrivacyService = world.state().service().unwrap();
    privacy.erase(person.id.into()).await.unwrap();
    assert_eq!((to("only@erasing.example").await, to("both@erasing.example").await), (0, 1));
    assert_eq!(to(&format!("{}@example.com", person.id)).await, 0);
    for folder in ["mailbox", "mailbox-parts"] {
        for file in std::fs::read_dir(files.path().join(folder)).unwrap() {
            let content = std::fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(!content.contains("only@erasing.example"), "{content}");
        }
    }
}
