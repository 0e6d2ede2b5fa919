use loadmaster_testkit::{WorldOptions, command::loadmaster};
use reqwest::Method;
use serde_json::json;

use super::data;

#[tokio::test]
async fn the_committed_schema_is_served_and_printed() {
    let world = WorldOptions::default().start().await;
    let committed = include_str!("../../../schema.graphql");
    let served = world.anonymous().get("/graphql/schema").await;
    assert_eq!(served.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(served.text, committed, "run `just graphql`");
    let tag = served.header("etag").unwrap();
    let again = world.anonymous().send(Method::GET, "/graphql/schema", &[("if-none-match", tag)], None).await;
    assert_eq!((again.status.as_u16(), again.header("etag"), again.text.as_str()), (304, Some(tag), ""));
    world.anonymous().get("/graphql/schema?type=User").await.expect_problem(400, "validation_failed");
    assert_eq!(loadmaster(&["graphql-schema"]).run().await.succeeded(), committed);
}

#[tokio::test]
async fn breaking_changes_of_the_schema_are_named() {
    let committed = include_str!("../../../schema.graphql");
    let checked = |text: String| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    };
    let same = checked(committed.to_owned());
    let path = same.path().to_str().unwrap();
    loadmaster(&["graphql-schema", "--check", path]).run().await.succeeded();
    let richer = checked(format!("{committed}\ntype Lost {{ a: Int }}\n"));
    let done = loadmaster(&["graphql-schema", "--check", richer.path().to_str().unwrap()]).run().await;
    assert_eq!(done.code, 1);
    assert!(done.stdout.contains("The type `Lost` is gone."), "{}", done.stdout);
}

#[tokio::test]
async fn tools_read_the_schema_by_their_usual_question() {
    let world = WorldOptions::default().start().await;
    let of_type = "ofType { kind name ".repeat(9) + &"}".repeat(9);
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ description queryType {{ name kind }} mutationType {{ name kind }}
         subscriptionType {{ name kind }} types {{ ...FullType }} directives {{ name description isRepeatable locations
         args {{ ...InputValue }} }} }} }}
         fragment FullType on __Type {{ kind name description specifiedByURL
           fields(includeDeprecated: true) {{ name description args(includeDeprecated: true) {{ ...InputValue }} type {{ ...TypeRef }}
             isDeprecated deprecationReason }}
           inputFields(includeDeprecated: true) {{ ...InputValue }} interfaces {{ ...TypeRef }}
           enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }}
           possibleTypes {{ ...TypeRef }} }}
         fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue isDeprecated deprecationReason }}
         fragment TypeRef on __Type {{ kind name {of_type} }}"
    );
    let schema = data(&world.anonymous(), &query, json!({})).await["__schema"].take();
    let names: Vec<&str> = schema["types"].as_array().unwrap().iter().map(|of| of["name"].as_str().unwrap()).collect();
    for name in
        ["Booking", "CreateBookingInput", "BookResult", "BookingConnection", "FlightNews", "UUID", "BookingStatus"]
    {
        assert!(names.contains(&name), "{name}");
    }
    assert_eq!(
        schema["directives"].as_array().unwrap().iter().map(|of| &of["name"]).collect::<Vec<_>>(),
        ["include", "skip", "specifiedBy"]
    );
}

#[tokio::test]
async fn each_kind_of_type_is_described() {
    let world = WorldOptions::default().start().await;
    let of = async |name: &str, members: &str| {
        let query = format!("query($name: String!) {{ __type(name: $name) {{ kind {members} }} }}");
        data(&world.anonymous(), &query, json!({"name": name})).await["__type"].take()
    };
    let text = "type { kind name ofType { kind name ofType { kind ofType { name } } } }";
    let named = async |name: &str, list: &str, member: &str, arguments: &str| {
        let members = of(name, &format!("{list}{arguments} {{ name {text} }}")).await;
        let found = members[list].as_array().unwrap().iter().find(|one| one["name"] == member).cloned().unwrap();
        (members["kind"].clone(), found["type"].clone())
    };
    let optional = json!({"kind": "SCALAR", "name": "String", "ofType": null});
    assert_eq!(named("Airport", "fields", "icaoCode", "(includeDeprecated: true)").await, (json!("OBJECT"), optional));
    let list = json!({"kind": "NON_NULL", "name": null, "ofType":
        {"kind": "LIST", "name": null, "ofType": {"kind": "NON_NULL", "ofType": {"name": "Leg"}}}});
    assert_eq!(named("Booking", "fields", "legs", "").await, (json!("OBJECT"), list));
    assert_eq!(named("CreateBookingInput", "inputFields", "origin", "").await.0, "INPUT_OBJECT");
    assert_eq!(
        of("BookResult", "possibleTypes { name } fields { name } interfaces { name }").await,
        json!({"kind": "UNION", "possibleTypes": [{"name": "Booking"}, {"name": "Hold"}], "fields": null, "interfaces": null})
    );
    let words = of("BookingStatus", "enumValues { name isDeprecated }").await;
    assert_eq!(
        (&words["kind"], &words["enumValues"][0]),
        (&json!("ENUM"), &json!({"name": "BOOKED", "isDeprecated": false}))
    );
    let date = of("Date", "name specifiedByURL isOneOf").await;
    assert_eq!((&date["kind"], &date["isOneOf"]), (&json!("SCALAR"), &json!(null)));
    assert_eq!(date["specifiedByURL"], "https://www.rfc-editor.org/rfc/rfc3339#section-5.6");
    let query = of("Query", &format!("fields {{ name args {{ name description defaultValue {text} }} }}")).await;
    let airport = query["fields"].as_array().unwrap().iter().find(|one| one["name"] == "airport").unwrap();
    let code = json!({"name": "code", "description": "IATA code; case is ignored", "defaultValue": null, "type":
        {"kind": "NON_NULL", "name": null, "ofType": {"kind": "SCALAR", "name": "String", "ofType": null}}});
    assert_eq!(airport["args"], json!([code]));
    assert!(query["fields"].as_array().unwrap().iter().all(|one| !one["name"].as_str().unwrap().starts_with("__")));
    let directives = "{ __schema { directives { name isRepeatable locations args { name } } } }";
    let skip = json!({"name": "skip", "isRepeatable": false, "args": [{"name": "if"}],
                      "locations": ["FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"]});
    assert_eq!(data(&world.anonymous(), directives, json!({})).await["__schema"]["directives"][1], skip);
    let own = of("__Type", "fields { name args { name defaultValue } }").await;
    let fields = own["fields"].as_array().unwrap().iter().find(|one| one["name"] == "fields").unwrap();
    assert_eq!(fields["args"], json!([{"name": "includeDeprecated", "defaultValue": "false"}]));
}
