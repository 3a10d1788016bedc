//! The recorded readings that the benchmarks replay; see ORIGIN beside `host.tsv.zst`.

use std::sync::Arc;

use xunjian_proto::{ComponentId, Cost, Outcome, Run, Sample, SeriesKey, Time};

/// Series of one host.
pub(crate) const SERIES: usize = 300;

/// Real readings: `rows[tick][series]`.
pub(crate) struct Recording {
    pub(crate) series: Vec<Arc<SeriesKey>>,
    counter: Vec<bool>,
    rows: Vec<Vec<f64>>,
}

impl Recording {
    /// Unpacks it.
    pub(crate) fn load() -> Recording {
        let packed = include_bytes!("../host.tsv.zst");
        let text = String::from_utf8(zstd::bulk::decompress(packed, 64 << 20).unwrap()).unwrap();
        let mut lines = text.lines();
        let names = lines.next().unwrap().split('\t').take(SERIES);
        let series = names.map(|name| {
            let (component, attrs) = (ComponentId::host(), Vec::new());
            Arc::new(SeriesKey { metric: format!("bench.{name}"), component, attrs })
        });
        let series: Vec<_> = series.collect();
        let rows: Vec<Vec<f64>> = lines
            .map(|line| line.split('\t').take(SERIES).map(|it| it.parse().unwrap()).collect())
            .collect();
        let rises = |place: usize| rows.windows(2).all(|pair| pair[0][place] <= pair[1][place]);
        let counter = (0..SERIES)
            .map(|place| rises(place) && rows[0][place] < rows[rows.len() - 1][place])
            .collect();
        Recording { series, counter, rows }
    }

    /// The run of a host at a tick: the recorded one, its counters moved by a number of the host's own.
    pub(crate) fn run(&self, host: usize, tick: usize, at: Time) -> Run {
        let row = &self.rows[tick % self.rows.len()];
        let samples = row.iter().enumerate().map(|(place, value)| {
            let moved = if self.counter[place] { (host * 7919) as f64 } else { 0.0 };
            Sample { series: self.series[place].clone(), value: value + moved }
        });
        Run {
            source: "host".to_owned(),
            at,
            took_ms: 2 + (tick % 3) as u32,
            outcome: Outcome::Collected,
            components: Vec::new(),
            samples: samples.collect(),
            states: Vec::new(),
            events: Vec::new(),
            problems: Vec::new(),
            evidence: Vec::new(),
            cost: Cost { cpu_us: 300 + (tick * 37 % 90) as u64, ..Cost::default() },
        }
    }
}
