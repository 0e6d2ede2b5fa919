//! Page by page, by cursor or by offset.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    freight::{BOOKINGS, open_order, order, text, texts},
};
use uuid::Uuid;

/// The address of the next page.
#[track_caller]
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?;
    let target = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\""));
    Some(target.unwrap_or_else(|| panic!("an odd link: {link}")).to_owned())
}

/// Seven bookings of one customer; the references, newest first.
async fn seven(world: &World, customer: &Client) -> Vec<String> {
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(2000.0)).await;
    let mut booked = Vec::new();
    for _ in 0..7 {
        booked.push(text(&customer.book(order(&[&flight])).await, "ref_id").to_owned());
    }
    booked.reverse();
    booked
}

#[tokio::test]
async fn a_cursor_leads_through_all_bookings_even_while_new_ones_come() {
    let world = World::start().await;
    let customer = world.customer().await;
    let booked = seven(&world, &customer).await;
    let mut path = format!("{BOOKINGS}?limit=3&status=BOOKED");
    let mut seen = Vec::new();
    for size in [3, 3, 1] {
        let page = customer.get(&path).await;
        let following = next(&page);
        let shown = texts(&page.expect(200), "ref_id");
        assert_eq!(shown.len(), size);
        seen.extend(shown);
        // Newer ones would push everything one further, were pages counted.
        customer.book(open_order("DEL", "LHR")).await;
        assert_eq!(following.is_some(), size == 3, "a link exactly while there is more");
        path = following.unwrap_or_default();
    }
    assert_eq!(seen, booked);
}

#[tokio::test]
async fn the_link_keeps_limit_and_filters() {
    let world = World::start().await;
    let customer = world.customer().await;
    let booked = seven(&world, &customer).await;
    let first = customer.get(&format!("{BOOKINGS}?origin=DEL&limit=2&created_to=2026-11-20T13:31:00%2B05:30")).await;
    let link = next(&first).expect("a next page");
    assert!(link.starts_with("/api/v1/bookings?"), "{link}");
    for kept in ["origin=DEL", "limit=2", "created_to=2026-11-20T13%3A31%3A00%2B05%3A30", "cursor="] {
        assert!(link.contains(kept), "{link}");
    }
    assert_eq!(texts(&customer.get(&link).await.expect(200), "ref_id"), booked[2..4]);
    // The cursor may be used again, and with another page size.
    let wider = link.replace("limit=2", "limit=4");
    assert_eq!(texts(&customer.get(&wider).await.expect(200), "ref_id"), booked[2..6]);
}

#[tokio::test]
async fn an_offset_counts_from_the_newest() {
    let world = World::start().await;
    let customer = world.customer().await;
    let booked = seven(&world, &customer).await;
    for (query, expected) in [
        ("limit=3&offset=0", &booked[..3]),
        ("limit=3&offset=3", &booked[3..6]),
        ("limit=3&offset=6", &booked[6..]),
        ("offset=2", &booked[2..]),
        ("offset=7", &[]),
        ("offset=10000", &[]),
    ] {
        assert_eq!(
            texts(&customer.get(&format!("{BOOKINGS}?{query}")).await.expect(200), "ref_id"),
            expected,
            "{query}"
        );
    }
    // From an offset on, the link goes on by cursor.
    let page = customer.get(&format!("{BOOKINGS}?limit=3&offset=2")).await;
    let link = next(&page).expect("a next page");
    assert!(!link.contains("offset"), "{link}");
    assert_eq!(texts(&customer.get(&link).await.expect(200), "ref_id"), booked[5..]);
}

#[tokio::test]
async fn a_limit_over_a_hundred_means_a_hundred_and_none_means_fifty() {
    let world = World::start().await;
    let operator = world.operator().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(20_000.0)).await;
    for _ in 0..101 {
        operator.book(order(&[&flight])).await;
    }
    for (query, count) in [
        ("", 50),
        ("limit=1", 1),
        ("limit=100", 100),
        ("limit=101", 100),
        ("limit=99999999999999999999999999", 100),
        ("limit=%2050%20", 50),
    ] {
        let answer = operator.get(&format!("{BOOKINGS}?{query}")).await;
        assert!(next(&answer).is_some(), "{query}");
        assert_eq!(answer.expect(200).as_array().unwrap().len(), count, "{query}");
    }
    let exact = operator.get(&format!("{BOOKINGS}?limit=100&offset=1")).await;
    assert_eq!(next(&exact), None, "exactly a page is left: there is no next one");
}

#[tokio::test]
async fn a_page_that_cannot_be_is_a_fault() {
    let world = World::start().await;
    let operator = world.operator().await;
    for (query, name, code) in [
        ("limit=0", "limit", "too_small"),
        ("limit=-1", "limit", "too_small"),
        ("limit=ten", "limit", "wrong_type"),
        ("limit=1.5", "limit", "too_precise"),
        ("limit=", "limit", "wrong_type"),
        ("limit=1&limit=2", "limit", "invalid_format"),
        ("offset=10001", "offset", "too_large"),
        ("offset=-1", "offset", "too_small"),
    ] {
        let faults = operator.get(&format!("{BOOKINGS}?{query}")).await.expect_faults();
        assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{query}");
    }
}

#[tokio::test]
async fn a_changed_forged_or_foreign_cursor_is_refused() {
    let world = World::start().await;
    let organization = Uuid::new_v4();
    let customer = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    seven(&world, &customer).await;
    let page = customer.get(&format!("{BOOKINGS}?limit=2&status=BOOKED")).await;
    let link = next(&page).expect("a next page");
    let (head, cursor) = link.split_once("cursor=").expect("a cursor");
    let flipped = |at: usize| {
        let mut bytes = cursor.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let forged =
        ["x", "AAAA", "%20", "null", &"A".repeat(200), &flipped(0), &flipped(45), &cursor[1..], &format!("{cursor}A")];
    for forged in forged {
        let answer = customer.get(&format!("{head}cursor={forged}")).await;
        assert!(answer.status == 400, "{forged}: {}", answer.text);
        if forged != "%20" {
            let problem = answer.expect_problem(400, "invalid_cursor");
            assert_eq!(problem["errors"][0]["name"], "cursor", "{problem}");
            assert_eq!(problem["errors"][0]["code"], "unknown_value", "{problem}");
        }
    }
    // A place in the list is given in one way.
    let faults = customer.get(&format!("{link}&offset=0")).await.expect_faults();
    assert_eq!(faults, [("offset".to_owned(), "invalid_format".to_owned())]);
    // On another list, with other filters, or in another's hands it is worth nothing.
    for (from, to) in [("status=BOOKED", "status=CANCELLED"), ("status=BOOKED&", ""), ("limit=2", "limit=2&origin=DEL")]
    {
        customer.get(&link.replacen(from, to, 1)).await.expect_problem(400, "invalid_cursor");
    }
    customer.get(&format!("/api/v1/flights?cursor={cursor}")).await.expect_problem(400, "invalid_cursor");
    for foreigner in [world.customer().await, world.operator().await] {
        foreigner.get(&link).await.expect_problem(400, "invalid_cursor");
    }
    // A colleague sees the same list, and so may go on with it.
    let colleague = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    assert_eq!(colleague.get(&link).await.expect(200), customer.get(&link).await.expect(200));
}
