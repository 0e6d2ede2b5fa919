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
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::{
    XLSX,
    cell::{Cell, cell_at, header, written},
    formula::guarded,
    sheet::Sheet,
};
use crate::web::{PageRequest, Problem, code, read, request};

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
}

impl Export {
    pub fn new(name: &'static str, columns: &[&'static str], params: &ExportParams) -> Self {
        let columns = columns.iter().copied().map(Cow::Borrowed).collect();
        Self { name, columns, format: params.format.unwrap_or(Format::Csv) }
    }

    /// Adds columns that depend on the rows.
    #[must_use]
    pub fn and(self, columns: impl IntoIterator<Item = String>) -> Self {
        let added = columns.into_iter().map(Cow::Owned);
        Self { columns: self.columns.iter().cloned().chain(added).collect(), ..self }
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
                let mut found = read(page).await?;
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
    pub async fn answer(self, mut pages: Pages) -> Result<Response, Problem> {
        let first = pages.next().await.transpose()?.unwrap_or_default();
        let pages = stream::once(async { Ok(first) }).chain(pages).boxed();
        let name = self.name;
        let (media, ending, body) = match self.format {
            Format::Csv => (HeaderValue::from_static("text/csv; charset=utf-8"), "csv", self.csv(pages)),
            Format::Xlsx => (HeaderValue::from_static(XLSX), "xlsx", Body::from(self.workbook(pages).await?)),
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, media);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        let attachment = format!("attachment; filename=\"{name}.{ending}\"");
        if let Ok(attachment) = HeaderValue::from_str(&attachment) {
            headers.insert(header::CONTENT_DISPOSITION, attachment);
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
            Err(problem) => {
                tracing::warn!(table = self.name, detail = problem.detail(), "an export broke off");
                Err(io::Error::other("the export broke off"))
            }
        });
        let first: stream::BoxStream<'static, io::Result<Bytes>> =
            stream::once(async { Ok(Bytes::from(text)) }).boxed();
        Body::from_stream(first.chain(rest))
    }

    /// Writes a workbook on a thread of its own: packing takes its time.
    async fn workbook(self, mut pages: Pages) -> Result<Vec<u8>, Problem> {
        let (sender, mut receiver) = mpsc::channel::<Vec<Value>>(2);
        let writing = tokio::task::spawn_blocking(move || {
            let mut sheet = Sheet::new(self.name, &self.headers())?;
            while let Some(rows) = receiver.blocking_recv() {
                for row in rows {
                    let cells = self.columns.iter().map(|address| into_owned(cell_at(&row, address)));
                    sheet.write(cells)?;
                }
            }
            sheet.finish()
        });
        let mut outcome = Ok(());
        while let Some(page) = pages.next().await {
            match page {
                Ok(rows) => {
                    // A writer that has stopped says why.
                    if sender.send(rows).await.is_err() {
                        break;
                    }
                }
                Err(problem) => {
                    outcome = Err(problem);
                    break;
                }
            }
        }
        drop(sender);
        let written = writing.await.map_err(|error| Problem::internal(&error))?;
        outcome?;
        written.map_err(|error| Problem::internal(&error))
    }
}

fn into_owned(cell: Cell<'_>) -> Cell<'static> {
    match cell {
        Cell::Text(text) => Cell::Text(text.into_owned().into()),
        Cell::Empty => Cell::Empty,
        Cell::Number(number) => Cell::Number(number),
        Cell::Boolean(value) => Cell::Boolean(value),
        Cell::Date(date) => Cell::Date(date),
        Cell::Instant(instant) => Cell::Instant(instant),
    }
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
