//! Writes workbooks.
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use rust_xlsxwriter::{Color, Format, FormatBorder, IntoExcelDateTime, Workbook, XlsxError};

use super::cell::{Cell, written};

/// Largest width of a column, in characters.
const WIDEST: f64 = 40.0;

/// A workbook with one sheet, whose rows are written one after the other and are not kept in memory.
pub(super) struct Sheet {
    workbook: Workbook,
    row: u32,
    instants: Format,
    dates: Format,
}

/// A date and time without zone, as spreadsheets have them.
struct Local(NaiveDateTime);

impl IntoExcelDateTime for Local {
    /// Days since the epoch of spreadsheets, of which the first of March 1900 is day 61.
    fn to_excel_serial_date(&self) -> f64 {
        let epoch = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap_or_default().and_time(chrono::NaiveTime::MIN);
        #[allow(clippy::cast_precision_loss, reason = "milliseconds of some thousand years")]
        let milliseconds = (self.0 - epoch).num_milliseconds() as f64;
        milliseconds / 86_400_000.0
    }
}

impl Sheet {
    pub fn new(name: &str, columns: &[String]) -> Result<Self, XlsxError> {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(name)?;
        sheet.set_freeze_panes(1, 0)?;
        let header = Format::new().set_bold().set_border_bottom(FormatBorder::Thin).set_background_color(Color::Silver);
        for (at, column) in (0..).zip(columns) {
            #[allow(clippy::cast_precision_loss, reason = "the length of a name")]
            sheet.set_column_width(at, (column.len() as f64 + 4.0).min(WIDEST))?;
            sheet.write_string_with_format(0, at, column, &header)?;
        }
        let instants = Format::new().set_num_format(r#"yyyy-mm-dd"T"hh:mm:ss"Z""#);
        let dates = Format::new().set_num_format("yyyy-mm-dd");
        Ok(Self { workbook, row: 0, instants, dates })
    }

    pub fn write(&mut self, cells: impl Iterator<Item = Cell<'static>>) -> Result<(), XlsxError> {
        self.row += 1;
        let Self { row, instants, dates, workbook } = self;
        let sheet = workbook.worksheet_from_index(0)?;
        for (at, cell) in (0..).zip(cells) {
            match cell {
                Cell::Empty => continue,
                Cell::Text(text) => sheet.write_string(*row, at, text)?,
                Cell::Boolean(value) => sheet.write_boolean(*row, at, value)?,
                Cell::Date(date) => {
                    sheet.write_datetime_with_format(*row, at, Local(date.and_time(chrono::NaiveTime::MIN)), dates)?
                }
                Cell::Instant(instant) if is_whole(instant) => {
                    sheet.write_datetime_with_format(*row, at, Local(instant.naive_utc()), instants)?
                }
                Cell::Instant(instant) => sheet.write_string(*row, at, written(instant))?,
                Cell::Number(number) => match number.parse::<f64>() {
                    Ok(value) => sheet.write_number(*row, at, value)?,
                    Err(_) => sheet.write_string(*row, at, number)?,
                },
            };
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<Vec<u8>, XlsxError> {
        self.workbook.save_to_buffer()
    }
}

/// Spreadsheets know nothing shorter than a second that is shown.
fn is_whole(instant: DateTime<Utc>) -> bool {
    instant.timestamp_subsec_nanos() == 0
}
