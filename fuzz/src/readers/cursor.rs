//! Queries of lists, with the cursor that came from the `Link` of another page.
use axum::http::{Uri, header};
use loadmaster_platform::web::{CursorKey, PageFields, PageRequest, Problem, Query};

type Anchor = (String, i64);

const READER: &str = "ann";

pub fn check(data: &[u8]) {
    let Ok(uri) = Uri::try_from([b"/api/v1/flights?", data].concat()) else { return };
    let query = Query::of(&uri);
    if let Err(problem) = query.read(super::body::members) {
        super::expect_client_error(problem);
    }
    match super::same(|| open(&query)) {
        // The anchor is the only one that was ever sealed: nobody makes up another.
        Ok(page) => assert!(page.after.is_none_or(|after| after == anchor()), "a cursor was made up"),
        Err(problem) => drop(super::expect_client_error(problem)),
    }
}

fn anchor() -> Anchor {
    ("2026-11-20T08:30:00Z".to_owned(), 42)
}

fn key() -> CursorKey {
    CursorKey::new(&[7; 32])
}

fn open(query: &Query) -> Result<PageRequest<Anchor>, Problem> {
    let fields = query.read(|fields| {
        fields.optional("status", loadmaster_platform::web::read::line(20));
        Some(PageFields::read(fields))
    })?;
    fields.open(&key(), query, READER)
}

/// The query of the page after one that was asked for by `query`: what a client finds in `Link`.
pub fn next_page(query: &str) -> String {
    let query = Query::of(&Uri::try_from(format!("/api/v1/flights?{query}")).expect("a query"));
    let page = open(&query).expect("a page");
    let entries = (0..=page.fetch()).collect();
    let response = page.answer(entries, |_: &i64| anchor(), &key(), &query, READER);
    let link = response.headers()[header::LINK].to_str().expect("text").to_owned();
    let query = link.split_once('?').and_then(|(_, rest)| rest.split_once('>'));
    query.expect("a link").0.to_owned()
}
