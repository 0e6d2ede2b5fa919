//! Tables that go out.
use std::{borrow::Cow, io, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    XLSX,
    cell::{Cell, cell_at, header, written},
    formula::guarded,
    sheet::Sheet,
};
use crate::web::{IfNoneMatch, PageRequest, Problem, code, conditional, paid, read, request, tagged};

/// `Cache-Control` of what is listed: clients revalidate it each time.
const REVALIDATE: &str = "private, no-cache";
/// Rows that are read at a time.
const PAGE: u32 = 1000;

/// What a table is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Format {
    Csv,
    Xlsx,
}

impl Format {
    const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    /// The most rows of an export.
    const fn most_rows(self) -> i64 {
        match self {
            Self::Csv => 1_000_000,
            Self::Xlsx => 100_000,
        }
    }
}

request! {
    /// What an export is written in.
    pub struct ExportParams in query {
        /// `csv` (RFC 4180, UTF-8) or `xlsx`.
        #[param(inline)]
        format: Option<Format> = read::word(&[("csv", Format::Csv), ("xlsx", Format::Xlsx)]),
    }
}

/// The rows of an export: objects in JSON, some at a time.
pub type Pages = stream::BoxStream<'static, Result<Vec<Value>, Problem>>;

/// A table to be sent: its name, and the addresses of its columns in each row.
#[derive(Debug, Clone)]
pub struct Export {
    name: &'static str,
    columns: Arc<[Cow<'static, str>]>,
    format: Format,
    /// What is listed, in this format, and what the client has of it already.
    tag: Option<(String, IfNoneMatch)>,
}

impl Export {
    pub fn new(name: &'static str, columns: &[&'static str], params: &ExportParams) -> Self {
        let columns = columns.iter().copied().map(Cow::Borrowed).collect();
        Self { name, columns, format: params.format.unwrap_or(Format::Csv), tag: None }
    }

    /// Adds columns that depend on the rows.
    #[must_use]
    pub fn and(self, columns: impl IntoIterator<Item = String>) -> Self {
        let added = columns.into_iter().map(Cow::Owned);
        Self { columns: self.columns.iter().cloned().chain(added).collect(), ..self }
    }

    /// Gives the table an `ETag` by the version of what it lists; a client that has it gets 304.
    #[must_use]
    pub fn tagged(self, version: &str, known: IfNoneMatch) -> Self {
        let format = self.format.ending();
        Self { tag: Some((format!("{version}-{format}"), known)), ..self }
    }

    /// Refuses more rows than an export may have.
    pub fn check(&self, rows: i64) -> Result<(), Problem> {
        let limit = self.format.most_rows();
        if rows <= limit {
            return Ok(());
        }
        let detail = format!("The export would have {rows} rows, and at most {limit} are given; narrow the filters.");
        Err(Problem::new(code::EXPORT_TOO_LARGE, detail).with("rows", rows).with("limit", limit))
    }

    /// Sends the rows of a list, page by page.
    pub async fn paged<A, R, F>(
        self,
        read: impl Fn(PageRequest<A>) -> F + Send + Sync + 'static,
        anchor: impl Fn(&R) -> A + Send + Sync + 'static,
        row: impl Fn(&R) -> Option<Value> + Send + Sync + 'static,
    ) -> Result<Response, Problem>
    where
        A: Send + Sync + 'static,
        R: Send + Sync + 'static,
        F: Future<Output = Result<Vec<R>, Problem>> + Send,
    {
        let functions = Arc::new((read, anchor, row));
        let pages = stream::try_unfold(Some(PageRequest::first(PAGE)), move |page| {
            let functions = functions.clone();
            async move {
                let (read, anchor, row) = &*functions;
                let Some(page) = page else { return Ok(None) };
                let full: PageRequest<A> = PageRequest::first(PAGE);
                let mut found = paid(read(page)).await?;
                let next = full.cut(&mut found).map(|last| full.following(anchor(last)));
                Ok(Some((found.iter().filter_map(row).collect(), next)))
            }
        });
        self.answer(pages.boxed()).await
    }

    /// Sends rows that are at hand.
    pub async fn whole(self, rows: Vec<Value>) -> Result<Response, Problem> {
        self.check(i64::try_from(rows.len()).unwrap_or(i64::MAX))?;
        self.answer(stream::once(async { Ok(rows) }).boxed()).await
    }

    /// Sends rows. What goes wrong before the first is a problem; later the answer breaks off.
    pub async fn answer(mut self, mut pages: Pages) -> Result<Response, Problem> {
        let tag = self.tag.take();
        if let Some((tag, known)) = &tag
            && known.matching(tag).is_some()
        {
            return Ok(conditional(tag, known, REVALIDATE, ()));
        }
        let first = pages.next().await.transpose()?.unwrap_or_default();
        let pages = stream::once(async { Ok(first) }).chain(pages).boxed();
        let (name, ending) = (self.name, self.format.ending());
        let (media, body) = match self.format {
            Format::Csv => ("text/csv; charset=utf-8", self.csv(pages)),
            Format::Xlsx => (XLSX, self.workbook(pages)?),
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        let attachment = format!("attachment; filename=\"{name}.{ending}\"");
        if let Ok(attachment) = HeaderValue::from_str(&attachment) {
            headers.insert(header::CONTENT_DISPOSITION, attachment);
        }
        if let Some((tag, _)) = tag {
            tagged(&mut response, &tag, REVALIDATE);
        }
        Ok(response)
    }

    fn headers(&self) -> Vec<String> {
        self.columns.iter().map(|address| header(address)).collect()
    }

    fn csv(self, pages: Pages) -> Body {
        let header: Vec<Cell<'_>> = self.headers().into_iter().map(|name| Cell::Text(name.into())).collect();
        let mut text = String::new();
        write_line(&mut text, header.into_iter());
        let rest = pages.map(move |page| match page {
            Ok(rows) => {
                let mut text = String::new();
                for row in &rows {
                    write_line(&mut text, self.columns.iter().map(|address| cell_at(row, address)));
                }
                Ok(Bytes::from(text))
            }
            Err(problem) => Err(broken_off(self.name, &problem)),
        });
        let first: stream::BoxStream<'static, io::Result<Bytes>> =
            stream::once(async { Ok(Bytes::from(text)) }).boxed();
        Body::from_stream(first.chain(rest))
    }

    fn workbook(self, pages: Pages) -> Result<Body, Problem> {
        let sheet = Sheet::new(self.name, &self.headers()).map_err(|error| Problem::internal(&error))?;
        let parts = stream::try_unfold((Some(sheet), pages), move |(sheet, mut pages)| {
            let (name, columns) = (self.name, self.columns.clone());
            async move {
                let Some(mut sheet) = sheet else { return Ok(None) };
                let Some(page) = pages.next().await else { return Ok(Some((sheet.finish()?, (None, pages)))) };
                for row in page.map_err(|problem| broken_off(name, &problem))? {
                    sheet.write(columns.iter().map(|address| cell_at(&row, address)))?;
                    // A page of rows takes milliseconds to pack: others get their turn meanwhile.
                    tokio::task::coop::consume_budget().await;
                }
                io::Result::Ok(Some((sheet.take(), (Some(sheet), pages))))
            }
        });
        Ok(Body::from_stream(parts))
    }
}

/// An answer that has begun can only end early.
fn broken_off(table: &str, problem: &Problem) -> io::Error {
    tracing::warn!(table, detail = problem.detail(), "an export broke off");
    io::Error::other("the export broke off")
}

/// Writes a line of CSV: every text is quoted, so that nothing in it can end its cell.
fn write_line<'a>(out: &mut String, cells: impl Iterator<Item = Cell<'a>>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(',');
        }
        match cell {
            Cell::Empty => {}
            Cell::Text(text) => {
                out.push('"');
                out.push_str(&guarded(&text).replace('"', "\"\""));
                out.push('"');
            }
            Cell::Number(number) => out.push_str(&number),
            Cell::Boolean(value) => out.push_str(if value { "true" } else { "false" }),
            Cell::Date(date) => out.push_str(&date.to_string()),
            Cell::Instant(instant) => out.push_str(&written(instant)),
        }
    }
    out.push_str("\r\n");
}
