//! Transform: turns raw rows into sales, or into rejects with a reason.

use std::panic;
use std::thread::available_parallelism;

use csv::ByteRecord;
use greenpool::green_pool;
use serde::Deserialize;
use tokio::task;

use crate::source::{Batch, Read};

/// A row as stored in the database.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sale {
    pub(crate) date: String,
    pub(crate) shop: String,
    pub(crate) item: String,
    pub(crate) quantity: u32,
    pub(crate) cents: i64,
}

/// A row that is not a valid sale.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reject {
    pub(crate) line: u64,
    pub(crate) reason: String,
    pub(crate) text: String,
}

/// A converted batch. Every row is in exactly one of the lists.
#[derive(Debug, Default)]
pub(crate) struct Converted {
    pub(crate) sales: Vec<Sale>,
    pub(crate) rejects: Vec<Reject>,
    pub(crate) read: u64,
}

// ANCHOR: convert
/// Converts one batch on a blocking thread. At most one batch per core.
#[green_pool(size = available_parallelism().map_or(4, usize::from))]
pub(crate) async fn convert(batch: Read) -> csv::Result<Converted> {
    let batch = batch?;
    match task::spawn_blocking(move || convert_rows(&batch)).await {
        Ok(converted) => Ok(converted),
        Err(error) => panic::resume_unwind(error.into_panic()),
    }
}
// ANCHOR_END: convert

fn convert_rows(batch: &Batch) -> Converted {
    let mut converted = Converted { read: batch.read, ..Converted::default() };
    for row in &batch.rows {
        match sale(row, &batch.columns) {
            Ok(sale) => converted.sales.push(sale),
            Err(reason) => {
                let fields = row.iter().map(String::from_utf8_lossy);
                let text = fields.collect::<Vec<_>>().join(",");
                let line = row.position().map_or(0, csv::Position::line);
                converted.rejects.push(Reject { line, reason, text });
            }
        }
    }
    converted
}

#[derive(Deserialize)]
struct Raw<'a> {
    date: &'a str,
    shop: &'a str,
    item: &'a str,
    quantity: &'a str,
    price: &'a str,
}

fn sale(row: &ByteRecord, columns: &ByteRecord) -> Result<Sale, String> {
    if row.len() != columns.len() {
        return Err(format!("{} fields instead of {}", row.len(), columns.len()));
    }
    // The crate's own message repeats the position, which the reject has already.
    let raw: Raw<'_> = row.deserialize(Some(columns)).map_err(|error| match error.into_kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.kind().to_string(),
        kind => format!("{kind:?}"),
    })?;
    if !is_date(raw.date) {
        return Err(format!("`{}` is not a date", raw.date));
    }
    for (name, value) in [("shop", raw.shop), ("item", raw.item)] {
        if value.trim().is_empty() {
            return Err(format!("no {name}"));
        }
    }
    let Ok(quantity @ 1..) = raw.quantity.trim().parse() else {
        return Err(format!("`{}` is not a quantity", raw.quantity));
    };
    let cents = cents(raw.price.trim()).ok_or_else(|| format!("`{}` is not a price", raw.price))?;
    let text = |value: &str| value.trim().to_owned();
    Ok(Sale { date: text(raw.date), shop: text(raw.shop), item: text(raw.item), quantity, cents })
}

/// Whether `text` is `YYYY-MM-DD` with an existing month and day.
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-').map(|part| part.parse::<u16>().map(|number| (part.len(), number)));
    let parts = (parts.next(), parts.next(), parts.next(), parts.next());
    let (Some(Ok((4, year))), Some(Ok((2, month))), Some(Ok((2, day))), None) = parts else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Parses `12`, `12.3` or `12.34` into cents, without floating point.
fn cents(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 {
        return None;
    }
    let part = part.parse::<i64>().ok()? * if part.len() == 1 { 10 } else { 1 };
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact() {
        assert_eq!(["0.35", "12", "7.5", "19.99"].map(cents), [Some(35), Some(1200), Some(750), Some(1999)]);
        assert_eq!(["", ".5", "1.", "1.234", "-1", "1,5", "99999999999999999999"].map(cents), [None; 7]);
    }

    #[test]
    fn only_calendar_dates_are_accepted() {
        assert!(["2026-11-25", "2024-02-29", "2000-02-29"].iter().all(|date| is_date(date)));
        assert!(
            !["2026-02-29", "1900-02-29", "2026-13-01", "2026-1-1", "25.11.2026", "2026-04-31"]
                .iter()
                .any(|date| is_date(date))
        );
    }
}
