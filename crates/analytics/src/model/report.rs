use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::{Figures, Span};

/// The place of figures in a report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FigurePosition {
    Total,
    /// All groups that the limit left out.
    Other,
    /// A group in a period. Without groups, and where what is counted belongs to none, there is no key.
    Row {
        period: NaiveDate,
        rank: i64,
        key: Option<String>,
    },
}

impl FigurePosition {
    /// Returns the place that the columns of a statement name: without a period it is that of all groups that are left out,
    /// or of everything.
    pub fn of(is_total: bool, period: Option<NaiveDate>, rank: Option<i64>, key: Option<String>) -> Self {
        match period {
            _ if is_total => Self::Total,
            Some(period) => {
                Self::Row { period, rank: rank.unwrap_or_default(), key: key.filter(|key| !key.is_empty()) }
            }
            None => Self::Other,
        }
    }
}

/// The figures of a group in a period.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<F> {
    /// The first date of the day, week or month.
    pub period: NaiveDate,
    pub key: Option<String>,
    pub figures: F,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Report<F> {
    pub span: Span,
    pub as_of: DateTime<Utc>,
    pub total: F,
    /// By period, then from the largest group to the smallest.
    pub rows: Vec<Row<F>>,
    /// `None` if the limit left nothing out.
    pub other: Option<F>,
}

impl<F: Figures> Report<F> {
    /// Returns the report of figures that a statement found, of each place one or several.
    pub fn of(span: Span, as_of: DateTime<Utc>, found: impl IntoIterator<Item = (FigurePosition, F)>) -> Self {
        let mut places = BTreeMap::<FigurePosition, F>::new();
        for (place, figures) in found {
            places.entry(place).or_default().add(figures);
        }
        let mut report = Self { span, as_of, total: F::default(), rows: Vec::new(), other: None };
        for (place, figures) in places {
            match place {
                FigurePosition::Total => report.total = figures,
                FigurePosition::Other => report.other = Some(figures).filter(|figures| !figures.is_empty()),
                FigurePosition::Row { period, key, .. } if !figures.is_empty() => {
                    report.rows.push(Row { period, key, figures });
                }
                FigurePosition::Row { .. } => {}
            }
        }
        report
    }
}
