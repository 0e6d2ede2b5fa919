//! Pages of lists: their types, and the names of their members.
use super::model::{Kind, Member, Type, Use, connection, edge};

pub(crate) const EDGES: &str = "edges";
pub(crate) const NODES: &str = "nodes";
pub(crate) const PAGE_INFO: &str = "pageInfo";
pub(crate) const TOTAL: &str = "totalCount";
pub(crate) const CURSOR: &str = "cursor";
pub(crate) const NODE: &str = "node";
pub(crate) const HAS_NEXT_PAGE: &str = "hasNextPage";
pub(crate) const END_CURSOR: &str = "endCursor";

/// Returns the types of a page of these entries, by their names; whether the entries of the whole list can be counted.
pub(crate) fn types(item: &str, is_counted: bool) -> [(String, Type); 3] {
    let list = |of: &str| Use::of(of).list();
    let mut page = vec![
        member(EDGES, list(&edge(item)), "Its entries, each with its cursor."),
        member(NODES, list(item), "Its entries."),
        member(PAGE_INFO, Use::of("PageInfo"), "Where it ends."),
    ];
    if is_counted {
        let about = "Number of entries of the whole list, with the first page; null with `after`.";
        page.push(member(TOTAL, Use::of("Int64").nullable(), about));
    }
    let about_cursor = "For `after`. Lists have a cursor for the end of each page alone: null for the other entries, and at the end of the list.";
    let of_edge =
        vec![member(CURSOR, Use::of("String").nullable(), about_cursor), member(NODE, Use::of(item), "The entry.")];
    let end = vec![
        member(HAS_NEXT_PAGE, Use::of("Boolean"), "Whether there are more entries."),
        member(
            END_CURSOR,
            Use::of("String").nullable(),
            "For `after`, to get the next page; null at the end of the list.",
        ),
    ];
    [
        (connection(item), object("A page of a list.", page)),
        (edge(item), object("An entry of a list with its cursor.", of_edge)),
        ("PageInfo".to_owned(), object("Where a page ends.", end)),
    ]
}

fn member(name: &str, of: Use, about: &str) -> Member {
    Member::new(name, of, Some(about))
}

fn object(about: &str, members: Vec<Member>) -> Type {
    Type { about: Some(about.to_owned()), kind: Kind::Object(members) }
}
