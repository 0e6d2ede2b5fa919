use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use loadmaster_kernel::{Fault, FaultCode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{
    IntoParams,
    openapi::{
        RefOr, Schema,
        path::{Parameter, ParameterIn},
    },
};

use super::{
    code,
    fields::{Fields, Raw},
    problem::{InputFault, Problem},
    query::Query,
    read,
    request::request,
};

use crate::seal::SealKey;

const DEFAULT_LIMIT: u32 = 50;
const MOST: u32 = 100;
const MAX_OFFSET: u32 = 10_000;

/// Seals cursors, so that a client can neither forge one nor use one from another list.
#[derive(Debug, Clone)]
pub struct CursorKey(SealKey);

impl CursorKey {
    pub fn new(key: &[u8; 32]) -> Self {
        Self(SealKey::new(key))
    }

    /// Returns an opaque cursor: the anchor, sealed under this list, these filters and this reader.
    fn seal(&self, scope: &str, anchor: &impl Serialize) -> Option<String> {
        let payload = serde_json::to_vec(anchor).ok()?;
        Some(URL_SAFE_NO_PAD.encode(self.0.seal(scope, &payload)))
    }

    fn open<A: DeserializeOwned>(&self, scope: &str, cursor: &str) -> Result<A, Problem> {
        let invalid = || invalid_cursor("The cursor is damaged or belongs to another list.");
        let sealed = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let payload = self.0.open(scope, &sealed).ok_or_else(invalid)?;
        serde_json::from_slice(payload).map_err(|_| invalid())
    }
}

/// The problem for a cursor that leads to no place in the list.
pub fn invalid_cursor(text: &'static str) -> Problem {
    Problem::new(code::INVALID_CURSOR, text).about(&InputFault::query("cursor", FaultCode::UnknownValue, text))
}

/// The part of a list that a client requests: its size and start. `A` is the sort key of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest<A> {
    limit: u32,
    pub offset: u32,
    pub after: Option<A>,
}

request! {
    /// Which part of a list is wanted.
    #[derive(Default)]
    pub struct PageParams in query {
        /// Maximum number of entries on a page; values over 100 count as 100.
        #[param(minimum = 1, default = 50)]
        limit: Option<u32> = up_to(MOST),
        /// Number of entries to skip; cannot be combined with `cursor`.
        #[param(maximum = 10_000)]
        offset: Option<u32> = read::integer(0, MAX_OFFSET),
        /// Position in the list, from the `Link` header of the previous page.
        cursor: Option<String> = read::any,
    }
}

/// The requested part of a list without `offset`: a page has `MOST` entries unless `limit` requests fewer.
#[derive(Debug)]
pub struct PageUpTo<const MOST: u32>;

/// `limit`, `offset` and `cursor` as received.
#[derive(Debug, Clone)]
pub struct PageFields {
    limit: u32,
    offset: Option<u32>,
    cursor: Option<String>,
}

impl<const MOST: u32> PageUpTo<MOST> {
    pub fn read(fields: &mut Fields<'_>) -> Option<PageFields> {
        let limit = fields.optional("limit", up_to(MOST)).unwrap_or(MOST);
        Some(PageFields { limit, offset: None, cursor: fields.optional("cursor", read::any) })
    }
}

impl<const MOST: u32> IntoParams for PageUpTo<MOST> {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut parameters = PageParams::into_params(place);
        parameters.retain(|parameter| parameter.name != "offset");
        for parameter in parameters.iter_mut().filter(|parameter| parameter.name == "limit") {
            parameter.description =
                Some(format!("Maximum number of entries on a page; values over {MOST} count as {MOST}."));
            if let Some(RefOr::T(Schema::Object(limit))) = &mut parameter.schema {
                limit.default = Some(MOST.into());
            }
        }
        parameters
    }
}

impl PageFields {
    pub fn read(fields: &mut Fields<'_>) -> Self {
        let PageParams { limit, offset, cursor } = PageParams::read(fields).unwrap_or_default();
        Self { limit: limit.unwrap_or(DEFAULT_LIMIT), offset, cursor }
    }

    /// Checks the cursor against the list it is used on. `reader` prevents its transfer between callers.
    pub fn open<A: DeserializeOwned>(
        self,
        key: &CursorKey,
        query: &Query,
        reader: &str,
    ) -> Result<PageRequest<A>, Problem> {
        let after = match &self.cursor {
            Some(cursor) => Some(key.open(&scope(query, reader), cursor)?),
            None => None,
        };
        if after.is_some() && self.offset.is_some() {
            let text = "`offset` cannot be combined with `cursor`.";
            return Err(Problem::validation(&[InputFault::query("offset", FaultCode::InvalidFormat, text)]));
        }
        Ok(PageRequest { limit: self.limit, offset: self.offset.unwrap_or_default(), after })
    }
}

/// Reads the number of entries; more than `most` means `most`.
fn up_to(most: u32) -> impl Fn(Raw<'_>) -> Result<u32, Fault> {
    move |raw| match read::integer(1, most)(raw) {
        Err(fault) if fault.code == FaultCode::TooLarge => Ok(most),
        outcome => outcome,
    }
}

impl<A> PageRequest<A> {
    /// Returns the first page of a list whose pages have `limit` entries.
    pub const fn first(limit: u32) -> Self {
        Self { limit, offset: 0, after: None }
    }

    /// Returns the page of as many entries after this one.
    #[must_use]
    pub fn following(&self, after: A) -> Self {
        Self { limit: self.limit, offset: 0, after: Some(after) }
    }

    /// Returns the number of entries to fetch, one more than shown: it reveals without a count whether there is a next
    /// page.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Returns whether these fetched entries are all of the list: this is its first page, and there is none after it.
    pub fn is_whole_list(&self, found: usize) -> bool {
        self.after.is_none() && self.offset == 0 && found <= self.limit as usize
    }

    /// Cuts the fetched entries to the page, and answers with a link to the next one if there is more.
    pub fn answer<T: Serialize>(
        &self,
        mut entries: Vec<T>,
        anchor: impl Fn(&T) -> A,
        key: &CursorKey,
        query: &Query,
        reader: &str,
    ) -> Response
    where
        A: Serialize,
    {
        let last = self.cut(&mut entries).map(anchor);
        linked(entries, last, key, query, reader)
    }

    /// Cuts the fetched entries to the page. Returns the last entry of the page if there are more entries after it.
    pub fn cut<'a, T>(&self, entries: &'a mut Vec<T>) -> Option<&'a T> {
        let shown = self.limit as usize;
        let more = entries.len() > shown;
        entries.truncate(shown);
        entries.last().filter(|_| more)
    }
}

/// A place in a list in which a text is looked for a part at a time. `K` is the sort key of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ListPosition<K> {
    After(K),
    /// After that entry, leaving out as many of the next ones as an `offset` has left.
    Skipping(K, u32),
}

impl<K: Copy> PageRequest<ListPosition<K>> {
    /// Returns the entry after which the page begins, and the number of entries to leave out.
    pub fn start(&self) -> (Option<K>, u32) {
        match self.after {
            None => (None, self.offset),
            Some(ListPosition::After(key)) => (Some(key), 0),
            Some(ListPosition::Skipping(key, left)) => (Some(key), left),
        }
    }

    /// Returns the same page of a list that is not looked through in parts.
    pub fn anchored<A>(&self, anchor: impl FnOnce(K) -> A) -> PageRequest<A> {
        let (after, offset) = self.start();
        PageRequest { limit: self.limit, offset, after: after.map(anchor) }
    }

    /// Returns the entries of the page and the place where the next one begins. `found` are all that were found in the part
    /// of the list that was looked through, and `looked_to` is its end, unless the list ends there, too.
    pub fn settle(&self, found: &[K], looked_to: Option<K>) -> (Vec<K>, Option<ListPosition<K>>) {
        let (_, skipped) = self.start();
        let rest = found.get(skipped as usize..).unwrap_or_default();
        let shown: Vec<K> = rest.iter().take(self.limit as usize).copied().collect();
        if rest.len() > shown.len() {
            let next = shown.last().copied().map(ListPosition::After);
            return (shown, next);
        }
        let left = skipped.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        let next =
            looked_to.map(|last| if left > 0 { ListPosition::Skipping(last, left) } else { ListPosition::After(last) });
        (shown, next)
    }
}

/// Answers with a page of a list, and with a link to the page that begins after `last` if there is one.
pub fn linked(
    page: impl Serialize,
    last: Option<impl Serialize>,
    key: &CursorKey,
    query: &Query,
    reader: &str,
) -> Response {
    let mut response = Json(page).into_response();
    if let Some(last) = last {
        link(&mut response, "next", &last, key, query, reader);
    }
    response
}

/// Adds a `Link` to the page of this list that begins after `anchor`. `rel` is `next`, or `prev` where a list goes back
/// in time. `reader` is the caller that may use the link: its cursor is refused for any other, and for any other list.
pub fn link(response: &mut Response, rel: &str, anchor: &impl Serialize, key: &CursorKey, query: &Query, reader: &str) {
    let address = key.seal(&scope(query, reader), anchor).map(|cursor| query.with_cursor(&cursor));
    let value = address.and_then(|address| HeaderValue::from_str(&format!("<{address}>; rel=\"{rel}\"")).ok());
    if let Some(value) = value {
        response.headers_mut().insert(header::LINK, value);
    }
}

fn scope(query: &Query, reader: &str) -> String {
    format!("{}\n{reader}", query.scope())
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;

    use super::*;

    fn query(text: &'static str) -> Query {
        Query::of(&Uri::from_static(text))
    }

    fn open(text: &'static str, key: u8, reader: &str) -> Result<PageRequest<String>, Problem> {
        let query = query(text);
        let fields = query.read(|fields| {
            fields.optional("status", read::line(20));
            Some(PageFields::read(fields))
        })?;
        fields.open(&CursorKey::new(&[key; 32]), &query, reader)
    }

    fn next_link(text: &'static str, reader: &str) -> &'static str {
        let page = open(text, 1, reader).unwrap();
        let entries = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let response = page.answer(entries, Clone::clone, &CursorKey::new(&[1; 32]), &query(text), reader);
        let link = response.headers()[header::LINK].to_str().unwrap();
        let uri = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
        Box::leak(uri.to_owned().into_boxed_str())
    }

    #[test]
    fn a_link_leads_on_with_the_same_filters() {
        let next = next_link("/list?status=BOOKED&limit=2", "ann");
        assert!(next.starts_with("/list?status=BOOKED&limit=2&cursor="));
        assert_eq!(open(next, 1, "ann").unwrap().after.as_deref(), Some("b"));
    }

    #[test]
    fn a_changed_forged_or_foreign_cursor_is_refused() {
        let next = next_link("/list?status=BOOKED&limit=2", "ann");
        let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        assert_eq!(open(next, 2, "ann").unwrap_err().code(), code::INVALID_CURSOR, "another key");
        assert_eq!(open(next, 1, "bob").unwrap_err().code(), code::INVALID_CURSOR, "another reader");
        for (from, to) in [("BOOKED", "ARRIVED"), ("/list", "/other"), ("cursor=", "cursor=A"), ("status=BOOKED&", "")]
        {
            assert_eq!(
                open(leak(next.replacen(from, to, 1)), 1, "ann").unwrap_err().code(),
                code::INVALID_CURSOR,
                "{to}"
            );
        }
        assert_eq!(open("/list?cursor=x", 1, "ann").unwrap_err().code(), code::INVALID_CURSOR);
    }

    #[test]
    fn a_text_is_looked_for_a_part_at_a_time_and_an_offset_goes_on_behind_the_part() {
        let page = |offset, after| PageRequest { limit: 2, offset, after };
        // More was found than is shown: the next page begins behind what is shown.
        assert_eq!(page(0, None).settle(&[9, 7, 5], Some(4)), (vec![9, 7], Some(ListPosition::After(7))));
        assert_eq!(page(1, None).settle(&[9, 7, 5], Some(4)), (vec![7, 5], Some(ListPosition::After(4))));
        assert_eq!(page(0, None).settle(&[9, 7], None), (vec![9, 7], None));
        // Nothing was found: the next page begins behind what was looked through.
        assert_eq!(page(0, Some(ListPosition::After(9))).settle(&[], Some(4)), (vec![], Some(ListPosition::After(4))));
        assert_eq!(page(3, None).settle(&[9], Some(4)), (vec![], Some(ListPosition::Skipping(4, 2))));
        assert_eq!(page(0, Some(ListPosition::Skipping(4, 2))).settle(&[3, 2, 1], None), (vec![1], None));
        let text = serde_json::to_string(&[ListPosition::After(4), ListPosition::Skipping(4, 2)]).unwrap();
        assert_eq!(
            serde_json::from_str::<[ListPosition<i32>; 2]>(&text).unwrap(),
            [ListPosition::After(4), ListPosition::Skipping(4, 2)]
        );
        assert_eq!(text, "[4,[4,2]]");
    }

    #[test]
    fn a_list_of_its_own_size_takes_no_offset() {
        let read = |text: &'static str| {
            let query = query(text);
            let fields = query.read(PageUpTo::<200>::read)?;
            fields.open::<i32>(&CursorKey::new(&[1; 32]), &query, "")
        };
        for (text, fetched) in [("/list", 201), ("/list?limit=7", 8), ("/list?limit=201", 201)] {
            assert_eq!(read(text).unwrap().fetch(), fetched, "{text}");
        }
        for text in ["/list?limit=0", "/list?offset=1"] {
            assert_eq!(read(text).unwrap_err().code(), code::VALIDATION_FAILED, "{text}");
        }
    }

    #[test]
    fn limits_are_capped_and_offset_excludes_a_cursor() {
        assert_eq!(open("/list", 1, "").unwrap().fetch(), 51);
        assert_eq!(open("/list?limit=100000000000000000000", 1, "").unwrap().fetch(), 101);
        for text in ["/list?limit=0", "/list?limit=-1", "/list?limit=x", "/list?offset=10001"] {
            assert_eq!(open(text, 1, "").unwrap_err().code(), code::VALIDATION_FAILED, "{text}");
        }
        let next = format!("{}&offset=1", next_link("/list?status=BOOKED&limit=2", "ann")).leak();
        assert_eq!(open(next, 1, "ann").unwrap_err().code(), code::VALIDATION_FAILED, "{next}");
    }
}
