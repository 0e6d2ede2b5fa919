use loadmaster_kernel::{FaultCode, Weight};
use uuid::Uuid;

use super::*;

fn airport(code: &str) -> AirportCode {
    code.parse().unwrap()
}

fn content(origin: &str, kilograms: i64) -> PartContent {
    PartContent {
        origin: airport(origin),
        pieces: Pieces::from_count("2").unwrap(),
        load: Load::of(Weight::from_hectograms(kilograms * 10), None, None),
        dimensions: None,
        special_handling_codes: Vec::new(),
        ready_at: None,
        house_number: None,
        description: None,
        shipper: None,
        consignee: None,
    }
}

fn part(number: u128, origin: &str, kilograms: i64, status: PartStatus) -> Part {
    Part {
        id: Uuid::from_u128(number).into(),
        organization_id: Uuid::from_u128(1).into(),
        created_by: None,
        content: content(origin, kilograms),
        status,
        version: 1,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

fn master(origin: &str, status: MasterStatus, freight: &Freight) -> Master {
    Master {
        origin: airport(origin),
        hold_id: Uuid::from_u128(9).into(),
        booking_ref: None,
        status,
        freight: freight.clone(),
        parts: Vec::new(),
        weighed: Vec::new(),
        expires_at: None,
        needs_rerouting: false,
    }
}

fn whole(parts: Vec<Part>, masters: Vec<Master>) -> Whole {
    let consolidation = Consolidation {
        id: Uuid::from_u128(7).into(),
        organization_id: Uuid::from_u128(1).into(),
        created_by: None,
        terms: Terms { name: "Spring".to_owned(), destination: airport("LHR"), latest_arrival: None },
        cancelled_at: None,
        event_sequence: 1,
        version: 1,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    };
    Whole { consolidation, members: Vec::new(), parts, masters }
}

#[test]
fn a_master_is_the_sum_of_the_parts_that_are_ready() {
    let parts = vec![
        part(1, "DEL", 100, PartStatus::Ready),
        part(2, "DEL", 50, PartStatus::Ready),
        part(3, "DEL", 7, PartStatus::Draft),
        part(4, "DEL", 9, PartStatus::Withdrawn),
        part(5, "BOM", 3, PartStatus::Ready),
    ];
    let whole = whole(parts, Vec::new());
    let sum = whole.ready_at(airport("DEL")).unwrap();
    assert_eq!((sum.weight, sum.pieces.unwrap().count()), (Weight::from_hectograms(1500), 4));
    assert_eq!(whole.ready_at(airport("MAA")), None);
    assert_eq!(whole.ready_origins().len(), 2);
}

#[test]
fn a_booked_master_carries_the_parts_with_which_it_was_booked_and_another_those_that_are_ready() {
    let ids = |parts: Vec<&Part>| -> Vec<u128> { parts.iter().map(|part| part.id.uuid().as_u128()).collect() };
    let parts = vec![
        part(1, "DEL", 100, PartStatus::Ready),
        part(2, "DEL", 50, PartStatus::Withdrawn),
        part(3, "BOM", 3, PartStatus::Ready),
    ];
    let freight = Freight::sum([&parts[0].content].into_iter()).unwrap();
    let mut held = master("DEL", MasterStatus::Held, &freight);
    held.parts = vec![parts[1].id];
    let mut whole = whole(parts, vec![held]);
    assert_eq!(ids(whole.aboard(airport("DEL"))), [1]);
    assert_eq!(ids(whole.aboard(airport("MAA"))), [0_u128; 0]);
    whole.masters[0].booking_ref = Some("ACB000000001".parse().unwrap());
    assert_eq!(ids(whole.aboard(airport("DEL"))), [2]);
}

#[test]
fn a_master_in_force_differs_once_a_part_changes() {
    let parts = vec![part(1, "DEL", 100, PartStatus::Ready)];
    let freight = whole(parts.clone(), Vec::new()).ready_at(airport("DEL")).unwrap();
    let same = whole(parts, vec![master("DEL", MasterStatus::Booked, &freight)]);
    assert!(!same.differs(&same.masters[0]));
    let heavier = vec![part(1, "DEL", 101, PartStatus::Ready)];
    for (status, differs) in [
        (MasterStatus::Held, true),
        (MasterStatus::Booked, true),
        (MasterStatus::Expired, false),
        (MasterStatus::Cancelled, false),
    ] {
        let whole = whole(heavier.clone(), vec![master("DEL", status, &freight)]);
        assert_eq!(whole.differs(&whole.masters[0]), differs, "{status:?}");
    }
    let withdrawn = whole(Vec::new(), vec![master("DEL", MasterStatus::Booked, &freight)]);
    assert!(withdrawn.differs(&withdrawn.masters[0]), "it carries what nobody ships");
}

#[test]
fn a_consolidation_is_booked_while_each_origin_has_a_booking_in_force() {
    use ConsolidationStatus::{Booked, Cancelled, Planning};
    let parts = vec![part(1, "BOM", 1, PartStatus::Ready), part(2, "DEL", 1, PartStatus::Ready)];
    let freight = Freight::sum([content("DEL", 1)].iter()).unwrap();
    for (bom, del, expected) in [
        (MasterStatus::Booked, MasterStatus::Delivered, Booked),
        (MasterStatus::Booked, MasterStatus::Held, Planning),
        (MasterStatus::Booked, MasterStatus::Cancelled, Planning),
        (MasterStatus::Expired, MasterStatus::Expired, Planning),
    ] {
        let masters = vec![master("BOM", bom, &freight), master("DEL", del, &freight)];
        let mut whole = whole(parts.clone(), masters);
        assert_eq!(whole.status(), expected, "{bom:?} {del:?}");
        whole.consolidation.cancelled_at = Some(DateTime::UNIX_EPOCH);
        assert_eq!(whole.status(), Cancelled);
    }
    assert_eq!(whole(Vec::new(), Vec::new()).status(), Planning, "nothing is booked");
}

#[test]
fn parts_of_one_origin_are_no_more_than_a_booking_may_be() {
    let heavy = content("DEL", 9_999_999);
    assert_eq!(freight_faults(&heavy, std::iter::empty()), Vec::new());
    let faults = freight_faults(&content("DEL", 1), [heavy].iter());
    let found: Vec<_> = faults.iter().map(|(pointer, fault)| (*pointer, fault.code)).collect();
    assert_eq!(found, [("/weight_kg", FaultCode::TooLarge)]);
}
