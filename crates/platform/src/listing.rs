//! What lists have in common beside their pages: their order, as it is read by an index, and the number of their entries.
use std::collections::HashMap;

use axum::{
    http::{HeaderName, HeaderValue},
    response::Response,
};
use chrono::{DateTime, Utc};
use loadmaster_kernel::words;
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use crate::{
    postgres::PgSession,
    web::{PageRequest, read, request},
};

/// In the answer of a list that was requested with `count=true`: the number of its entries.
pub const TOTAL_COUNT: HeaderName = HeaderName::from_static("total-count");

/// No more entries of a list are counted.
const MOST_COUNTED: usize = 1_000;

request! {
    /// Whether the entries of a list are counted.
    #[derive(Copy, Default)]
    pub struct CountParams in query {
        /// `true` adds the header `Total-Count`: the number of entries that match on all pages, or `1000+` if there are more than
        /// 1000.
        count: Option<bool> = read::boolean,
    }
}

impl CountParams {
    /// Returns whether the entries are to be counted.
    pub fn is_wanted(self) -> bool {
        self.count.unwrap_or(false)
    }

    /// Returns the number of entries of a list, if it is wanted. `found` were fetched for `page`: a first page that has all entries
    /// is its own count, and `counted` is not awaited.
    pub async fn total<A, E>(
        self,
        page: &PageRequest<A>,
        found: usize,
        counted: impl Future<Output = Result<Total, E>>,
    ) -> Result<Option<Total>, E> {
        if !self.is_wanted() {
            return Ok(None);
        }
        if page.is_whole_list(found) { Ok(Some(Total::of(found))) } else { counted.await.map(Some) }
    }
}

/// The number of entries of a list, as far as they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total(usize);

impl Total {
    /// The number of entries to look for, one more than are counted: it reveals that there are more.
    pub const LOOKED_FOR: i64 = 1_001;

    /// Of the entries that were found when as many as [`Self::LOOKED_FOR`] were looked for.
    pub const fn of(found: usize) -> Self {
        Self(found)
    }

    fn text(self) -> String {
        if self.0 > MOST_COUNTED { format!("{MOST_COUNTED}+") } else { self.0.to_string() }
    }
}

/// A page of a list.
#[derive(Debug)]
pub struct Listed<T> {
    /// One more than the page shows, if there are more.
    pub entries: Vec<T>,
    /// `None` if they were not to be counted.
    pub total: Option<Total>,
}

/// Adds the number of entries of the list to its answer.
pub fn add_total(response: &mut Response, total: Option<Total>) {
    if let Some(value) = total.and_then(|total| HeaderValue::from_str(&total.text()).ok()) {
        response.headers_mut().insert(TOTAL_COUNT, value);
    }
}

/// The direction in which a list is ordered, and read by an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

impl Direction {
    /// Returns the direction of a value of `sort`: a leading `-` is descending.
    pub fn of(word: &str) -> Self {
        if word.starts_with('-') { Self::Descending } else { Self::Ascending }
    }

    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }

    /// Returns the operator that chooses the entries behind a place.
    pub const fn behind(self) -> &'static str {
        match self {
            Self::Ascending => " > ",
            Self::Descending => " < ",
        }
    }

    /// Returns the clause that orders by these columns.
    pub fn order_by(self, columns: &[&str]) -> String {
        let suffix = match self {
            Self::Ascending => "",
            Self::Descending => " desc",
        };
        let columns: Vec<_> = columns.iter().map(|column| format!("{column}{suffix}")).collect();
        format!(" order by {}", columns.join(", "))
    }
}

/// The end of a page of a list. Texts by which a list is ordered may be about a person, and addresses are logged: a cursor has the
/// id and a short digest, and the text is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Anchor {
    Id(Uuid),
    Time(DateTime<Utc>, Uuid),
    /// With a digest of the text.
    Text(u16, Uuid),
}

/// Returns a digest of a text in any case: it shows that the text of a place has changed, and is too short to reveal what it was.
fn print_of(text: &str) -> u16 {
    text.to_lowercase().bytes().fold(0, |print: u16, byte| print.rotate_left(5) ^ u16::from(byte).wrapping_mul(0x9e37))
}

/// What a list is ordered by before the id.
#[derive(Debug, Clone, Copy)]
pub enum By {
    /// Nothing: the order of ids is that of creation.
    Id,
    /// A column with a time.
    Time(&'static str),
    /// A column of `table` with a text, in any case.
    Text { table: &'static str, column: &'static str },
}

/// The order of a list.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    pub by: By,
    pub id: &'static str,
    pub direction: Direction,
}

impl Order {
    /// Returns the place of an entry in an order by ids, or by this text.
    pub fn anchor(self, text: &str, id: Uuid) -> Anchor {
        if matches!(self.by, By::Text { .. }) { Anchor::Text(print_of(text), id) } else { Anchor::Id(id) }
    }

    /// Returns whether the entry behind which a page begins still has its text: what is between the old and the new one would be
    /// skipped or repeated.
    pub async fn has_place(self, db: &mut PgSession, after: Option<Anchor>) -> sqlx::Result<bool> {
        let (Some(Anchor::Text(print, id)), By::Text { table, column }) = (after, self.by) else { return Ok(true) };
        let mut query = QueryBuilder::<Postgres>::new(format!("select {column} from {table} where {} = ", self.id));
        let text: Option<Option<String>> = query.push_bind(id).build_query_scalar().fetch_optional(db).await?;
        Ok(text.flatten().is_some_and(|text| print_of(&text) == print))
    }

    /// Orders what a statement chooses, whose end is a condition, and takes the page from it that begins behind `after`.
    pub fn page(self, query: &mut QueryBuilder<Postgres>, after: Option<Anchor>, offset: u32, fetch: i64) {
        let (own, behind) = (self.id, self.direction.behind());
        match (after, self.by) {
            (None, _) => {}
            (Some(Anchor::Time(at, id)), By::Time(time)) => {
                query.push(format!(" and ({time}, {own}){behind}(")).push_bind(at);
                query.push(", ").push_bind(id).push(")");
            }
            (Some(Anchor::Id(id) | Anchor::Text(_, id)), By::Text { table, column }) => {
                let text = format!("lower({column})");
                query.push(format!(" and ({text}, {own}){behind}((select {text} from {table} where {own} = "));
                query.push_bind(id).push("), ").push_bind(id).push(")");
            }
            (Some(Anchor::Id(id) | Anchor::Time(_, id) | Anchor::Text(_, id)), _) => {
                query.push(format!(" and {own}{behind}")).push_bind(id);
            }
        }
        query.push(match self.by {
            By::Id => self.direction.order_by(&[own]),
            By::Time(key) => self.direction.order_by(&[key, own]),
            By::Text { column, .. } => self.direction.order_by(&[&format!("lower({column})"), own]),
        });
        query.push(" limit ").push_bind(fetch).push(" offset ").push_bind(i64::from(offset));
    }
}

words! {
    /// The orders of a list of what was created; a leading `-` is descending.
    pub enum CreatedSort {
        Oldest = "created_at",
        Newest = "-created_at",
    }
}

words! {
    /// The orders of a list of what was created and expires; a leading `-` is descending.
    pub enum ExpirySort {
        Oldest = "created_at",
        Newest = "-created_at",
        ExpiresFirst = "expires_at",
        ExpiresLast = "-expires_at",
    }
}

request! {
    /// In which order a list shows what was created.
    #[derive(Copy, Default)]
    pub struct CreatedOrder in query {
        /// By creation: `-created_at` (default), newest first, or `created_at`.
        #[param(inline)]
        sort: Option<CreatedSort> = read::word(CreatedSort::WORDS),
    }
}

request! {
    /// In which order a list shows what expires.
    #[derive(Copy, Default)]
    pub struct ExpiryOrder in query {
        /// By creation (default `-created_at`, newest first) or by expiry; a leading `-` is descending.
        #[param(inline)]
        sort: Option<ExpirySort> = read::word(ExpirySort::WORDS),
    }
}

impl CreatedOrder {
    /// Returns the order by ids, which are those of creation.
    pub fn by(self, id: &'static str) -> Order {
        let word = self.sort.unwrap_or(CreatedSort::Newest).as_str();
        Order { by: By::Id, id, direction: Direction::of(word) }
    }
}

impl ExpiryOrder {
    fn chosen(self) -> ExpirySort {
        self.sort.unwrap_or(ExpirySort::Newest)
    }

    fn is_by_expiry(self) -> bool {
        matches!(self.chosen(), ExpirySort::ExpiresFirst | ExpirySort::ExpiresLast)
    }

    /// Returns the order by these columns.
    pub fn by(self, id: &'static str, expires_at: &'static str) -> Order {
        let by = if self.is_by_expiry() { By::Time(expires_at) } else { By::Id };
        Order { by, id, direction: Direction::of(self.chosen().as_str()) }
    }

    /// Returns the place of an entry in the order.
    pub fn anchor(self, id: Uuid, expires_at: DateTime<Utc>) -> Anchor {
        if self.is_by_expiry() { Anchor::Time(expires_at, id) } else { Anchor::Id(id) }
    }
}

/// Returns entries in the order in which a list has chosen their ids; what was not found is left out.
pub fn in_order_of<T>(ids: &[Uuid], found: Vec<T>, id: impl Fn(&T) -> Uuid) -> Vec<T> {
    let mut found: HashMap<Uuid, T> = found.into_iter().map(|entry| (id(&entry), entry)).collect();
    ids.iter().filter_map(|id| found.remove(id)).collect()
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[test]
    fn a_list_of_more_entries_than_are_counted_says_so() {
        for (found, shown) in [(0, "0"), (214, "214"), (1_000, "1000"), (1_001, "1000+")] {
            let mut response = ().into_response();
            add_total(&mut response, Some(Total::of(found)));
            assert_eq!(response.headers()[TOTAL_COUNT], shown);
        }
        let mut response = ().into_response();
        add_total(&mut response, None);
        assert!(!response.headers().contains_key(TOTAL_COUNT));
        assert_eq!(Total::LOOKED_FOR, i64::try_from(MOST_COUNTED).unwrap() + 1);
    }

    #[tokio::test]
    async fn only_a_first_page_with_all_entries_is_its_own_count() {
        let total = async |count, page: PageRequest<u8>, found| {
            let counted = async { Ok::<_, ()>(Total::of(7)) };
            CountParams { count }.total(&page, found, counted).await.unwrap().map(Total::text)
        };
        let first = || PageRequest::first(2);
        assert_eq!(total(None, first(), 2).await, None);
        assert_eq!(total(Some(false), first(), 2).await, None);
        assert_eq!(total(Some(true), first(), 0).await.as_deref(), Some("0"));
        assert_eq!(total(Some(true), first(), 2).await.as_deref(), Some("2"));
        assert_eq!(total(Some(true), first(), 3).await.as_deref(), Some("7"), "there are more");
        assert_eq!(total(Some(true), first().following(1), 1).await.as_deref(), Some("7"), "behind a cursor");
        let mut skipping = first();
        skipping.offset = 5;
        assert_eq!(total(Some(true), skipping, 2).await.as_deref(), Some("7"), "behind an offset");
    }

    #[test]
    fn another_text_has_another_print() {
        let names = ["Blue Crate", "Blue Crates", "Zebra", "Erased", "", "A", "AA"];
        let prints: std::collections::BTreeSet<_> = names.iter().map(|name| print_of(name)).collect();
        assert_eq!(prints.len(), names.len());
    }

    #[test]
    fn a_leading_minus_reverses_all_columns() {
        assert_eq!(Direction::of("name").order_by(&["name", "id"]), " order by name, id");
        assert_eq!(Direction::of("-name").order_by(&["name", "id"]), " order by name desc, id desc");
        assert_eq!((Direction::Ascending.behind(), Direction::Descending.behind()), (" > ", " < "));
    }

    #[test]
    fn a_page_begins_behind_its_anchor_in_the_order_of_the_list() {
        let page = |by, direction, after| {
            let mut query = QueryBuilder::new("select id from t where true");
            Order { by, id: "t.id", direction }.page(&mut query, after, 0, 51);
            query.into_string()
        };
        let (id, at) = (Uuid::from_u128(1), DateTime::UNIX_EPOCH);
        assert_eq!(
            page(By::Id, Direction::Descending, Some(Anchor::Id(id))),
            "select id from t where true and t.id < $1 order by t.id desc limit $2 offset $3"
        );
        assert_eq!(
            page(By::Time("at"), Direction::Ascending, Some(Anchor::Time(at, id))),
            "select id from t where true and (at, t.id) > ($1, $2) order by at, t.id limit $3 offset $4"
        );
        assert_eq!(
            page(By::Text { table: "t", column: "name" }, Direction::Descending, Some(Anchor::Text(0, id))),
            "select id from t where true and (lower(name), t.id) < ((select lower(name) from t where t.id = $1), $2) \
             order by lower(name) desc, t.id desc limit $3 offset $4"
        );
        assert_eq!(
            page(By::Time("at"), Direction::Descending, None),
            "select id from t where true order by at desc, t.id desc limit $1 offset $2"
        );
    }

    #[test]
    fn entries_come_in_the_order_of_their_ids() {
        let [a, b, c] = [1, 2, 3].map(Uuid::from_u128);
        let found = vec![(a, "a"), (b, "b")];
        assert_eq!(in_order_of(&[b, c, a], found, |(id, _)| *id), [(b, "b"), (a, "a")]);
    }
}
