use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Number, Value, json};

/// Returns the rows of a report as a table has them. The last one, of the key `other`, has what the limit left out.
pub fn rows_of(report: impl Serialize) -> Result<Vec<Value>, serde_json::Error> {
    let mut report = serde_json::to_value(report)?;
    let mut rows = match report["rows"].take() {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    };
    let mut other = report["other"].take();
    if other.is_object() {
        other["key"] = json!("other");
        rows.push(other);
    }
    Ok(rows)
}

/// Gives each currency of a member with amounts a column of its own, so that these are numbers. Returns the addresses of these
/// columns.
pub fn split_amounts(rows: &mut [Value], member: &str) -> Vec<String> {
    let mut currencies = BTreeSet::new();
    for row in rows {
        let Value::Array(amounts) = row[member].take() else { continue };
        let mut columns = Map::new();
        for amount in &amounts {
            let text = |name: &str| amount[name].as_str().unwrap_or_default();
            if let Ok(number) = text("amount").parse::<Number>() {
                columns.insert(text("currency").to_owned(), Value::Number(number));
            }
        }
        currencies.extend(columns.keys().map(|currency| format!("{member}/{currency}")));
        row[member] = columns.into();
    }
    currencies.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_limit_left_out_is_the_last_row() {
        let report = json!({"total": {"flights": 3}, "rows": [{"key": "AI", "flights": 2}], "other": {"flights": 1}});
        let expected = [json!({"key": "AI", "flights": 2}), json!({"key": "other", "flights": 1})];
        assert_eq!(rows_of(report).unwrap(), expected);
        assert_eq!(rows_of(json!({"rows": [], "other": null})).unwrap(), Vec::<Value>::new());
    }

    #[test]
    fn each_currency_has_a_column_of_numbers() {
        let amount = |amount: &str, currency: &str| json!({"amount": amount, "currency": currency});
        let mut rows = [
            json!({"revenue": [amount("1200.50", "USD"), amount("300", "JPY")]}),
            json!({"revenue": []}),
            json!({"revenue": [amount("0.10", "EUR")]}),
        ];
        assert_eq!(split_amounts(&mut rows, "revenue"), ["revenue/EUR", "revenue/JPY", "revenue/USD"]);
        assert_eq!(rows[0].to_string(), r#"{"revenue":{"JPY":300,"USD":1200.50}}"#);
        assert_eq!(rows[1], json!({"revenue": {}}));
    }
}
