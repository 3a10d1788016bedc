//! What a backtest costs: drive-days a second of processor time, from the bytes of the table to the figures.
//!
//! The drives are made, not recorded: one in thirty has counters that move, as in a large fleet; each row has as many
//! columns as the real table, most of them empty.

use std::{fmt::Write as _, io::Write as _, sync::Arc};

use xunjian_agent::clock::thread_cpu;
use xunjian_collector::{
    backtest::{csv, history::Histories, run},
    evaluate::library,
};

const DRIVES: u64 = 4_000;
const DAYS: u64 = 365;
/// Columns of the table in 2024.
const COLUMNS: u64 = 95;

fn main() -> std::io::Result<()> {
    let rules = Arc::new(library().0);
    let table = table();
    let start = thread_cpu();
    let mut histories = Histories::default();
    csv::rows(table.as_slice(), &mut histories)?;
    histories.finish();
    let read = (thread_cpu() - start).as_secs_f64();
    let outcome = run(&histories, &rules, None);
    let all = (thread_cpu() - start).as_secs_f64();
    let days = outcome.drive_days as f64;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} drive-days in {} MB of CSV", outcome.drive_days, table.len() >> 20)?;
    writeln!(out, "{:44} {:>12} {:>12}", "", "measured", "at least")?;
    writeln!(out, "{:44} {:>10.0}/s {:>12}", "read the table", days / read, "-")?;
    writeln!(out, "{:44} {:>10.0}/s {:>12}", "judge and measure", days / (all - read), "-")?;
    writeln!(out, "{:44} {:>10.0}/s {:>10.0}/s", "together, one core", days / all, 1e6)
}

/// Month and day of a day of 2023.
fn date(mut day: u64) -> (usize, u64) {
    for (month, length) in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].into_iter().enumerate()
    {
        if day < length {
            return (month + 1, day + 1);
        }
        day -= length;
    }
    (12, 31)
}

fn table() -> Vec<u8> {
    let mut text = String::from("date,serial_number,model,capacity_bytes,failure");
    for id in 1..=COLUMNS {
        let id = if id == COLUMNS { 255 } else { id * 2 + 3 };
        let _ = write!(text, ",smart_{id}_normalized,smart_{id}_raw");
    }
    for id in [10, 184, 188, 197, 198] {
        let _ = write!(text, ",smart_{id}_normalized,smart_{id}_raw");
    }
    text.push('\n');
    for day in 0..DAYS {
        let (month, of_month) = date(day);
        for drive in 0..DRIVES {
            let moving = drive % 30 == 0 && day > drive % 300;
            let bad = if moving { (day - drive % 300) / 40 + 1 } else { 0 };
            let failed = u64::from(moving && day == DAYS - 1 && drive % 120 == 0);
            let _ = write!(
                text,
                "2023-{month:02}-{of_month:02},ZL{drive:06},ST12000NM0007,12000138625024,{failed}"
            );
            for id in 1..=COLUMNS {
                match id * 2 + 3 {
                    5 | 187 | 197 => {
                        let _ = write!(text, ",100,{bad}");
                    }
                    7 | 9 => {
                        let _ = write!(text, ",80,{}", day * 24 + drive);
                    }
                    _ => text.push_str(",,"),
                }
            }
            text.push_str(",100,0,100,0,100,0,100,0,100,0\n");
        }
    }
    text.into_bytes()
}
