//! What came out: rows, as a table for people and as JSON for programs.
//! Must not decide what is good enough but by each row's own goal.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::stats::Samples;

/// One measured thing. All numbers are in the row's unit.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// Of which the numbers are.
    pub unit: &'static str,
    /// How many measurements.
    pub samples: usize,
    /// The median.
    pub p50: f64,
    /// The 99th percentile; of few samples the largest.
    pub p99: f64,
    /// The floor's median, where there is a floor.
    pub floor_p50: Option<f64>,
    /// The floor's 99th percentile.
    pub floor_p99: Option<f64>,
    /// The median over the floor's.
    pub ratio: Option<f64>,
    /// The 99th percentile over the floor's.
    pub ratio_p99: Option<f64>,
    /// The median of the floor without its record.
    pub unrecorded_floor_p50: Option<f64>,
    /// What should be reached.
    pub goal: String,
    /// Whether it is.
    pub met: bool,
}

impl Row {
    /// A row of times against a floor, with the ratio of the medians that is the goal, and the limit in milliseconds.
    #[must_use]
    pub fn against_floor(name: String, measured: &Samples, floor: &Samples, goal: f64, limit: f64) -> Self {
        let (p50, p99) = (measured.p50(), measured.p99());
        let ratio = p50 / floor.p50();
        Self {
            name,
            unit: "ms",
            samples: measured.len(),
            p50,
            p99,
            floor_p50: Some(floor.p50()),
            floor_p99: Some(floor.p99()),
            ratio: Some(ratio),
            ratio_p99: Some(p99 / floor.p99()),
            unrecorded_floor_p50: None,
            goal: format!("p50 <= {goal:.2} x floor, p99 <= {limit:.0} ms"),
            met: ratio <= goal && p99 <= limit,
        }
    }

    /// A row of a number that must not be exceeded.
    #[must_use]
    pub fn at_most(name: impl Into<String>, unit: &'static str, (usual, most): (f64, f64), goal: f64) -> Self {
        Self {
            name: name.into(),
            unit,
            samples: 1,
            p50: usual,
            p99: most,
            floor_p50: None,
            floor_p99: None,
            ratio: None,
            ratio_p99: None,
            unrecorded_floor_p50: None,
            goal: format!("<= {goal:.0} {unit}"),
            met: most <= goal,
        }
    }
}

/// Prints the rows as a table.
pub fn print(rows: &[Row]) {
    let columns = ["", "p50", "p99", "floor p50", "floor p99", "ratio", "p99 ratio", "n", "unit", "met", "goal"];
    let mut table: Vec<Vec<String>> = vec![columns.map(str::to_owned).to_vec()];
    for row in rows {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
        table.push(vec![
            row.name.clone(),
            number(Some(row.p50)),
            number(Some(row.p99)),
            number(row.floor_p50),
            number(row.floor_p99),
            number(row.ratio),
            number(row.ratio_p99),
            row.samples.to_string(),
            row.unit.to_owned(),
            if row.met { "yes" } else { "NO" }.to_owned(),
            row.goal.clone(),
        ]);
    }
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| table.iter().filter_map(|line| line.get(column)).map(String::len).max().unwrap_or_default())
        .collect();
    for line in &table {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| match column {
                0 | 8.. => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        println!("{}", cells.join("  ").trim_end());
    }
    for row in rows {
        if let Some(unrecorded) = row.unrecorded_floor_p50 {
            println!("{}: the floor without its record takes {unrecorded:.2} {}", row.name, row.unit);
        }
    }
}

/// Writes the rows as JSON.
///
/// # Errors
/// When the file cannot be written.
pub fn write(rows: &[Row], path: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(rows)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))
}
