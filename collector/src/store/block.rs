//! One host's window as columns: per source its run times, per series its values; and, for replay, what the runs said
//! besides numbers, each distinct wording once.
//!
//! Its form on the disk is that of [`super::packed`]; series are in order of their numbers.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use xunjian_proto::{Cost, Run, Sample, SeriesKey, Time};

use super::{
    StoreError, codec, column,
    packed::{FORMAT, corrupt, put, put_series, put_words, series, walk, words},
};

/// A window in memory.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) groups: BTreeMap<String, Group>,
}

/// The runs of one source, by time.
#[derive(Debug, Default)]
pub(super) struct Group {
    runs: BTreeMap<i64, Said>,
    /// Per series: (time, value), in order of time once [`Group::settle`]d.
    pub(super) series: BTreeMap<u32, Vec<(i64, f64)>>,
}

/// What a run said besides numbers.
#[derive(Debug, Clone, Default, PartialEq)]
struct Said {
    took_ms: i64,
    cpu_us: i64,
    read_bytes: i64,
    /// JSON of [`Words`].
    words: Arc<str>,
}

/// The part of a run that repeats itself.
#[derive(Serialize, Deserialize)]
struct Words {
    #[serde(flatten)]
    run: Run,
    /// Ids of its raw outputs, which are stored apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    proofs: Vec<String>,
}

impl Block {
    /// Adds a run; `number` gives the series' number, `None` leaves the sample out. A run that is there already
    /// (same source, same time) is left alone. Says how many samples were added.
    pub(super) fn add(
        &mut self,
        run: Run,
        mut number: impl FnMut(&Arc<SeriesKey>) -> Option<u32>,
    ) -> Result<usize, StoreError> {
        let group = self.groups.entry(run.source.clone()).or_default();
        let at = run.at.millis();
        if group.runs.contains_key(&at) {
            return Ok(0);
        }
        let mut added = 0;
        for sample in &run.samples {
            if let Some(number) = number(&sample.series) {
                group.series.entry(number).or_default().push((at, sample.value));
                added += 1;
            }
        }
        let said = Said::of(run)?;
        group.runs.insert(at, said);
        Ok(added)
    }

    /// Whether this run is in it (same source, same time).
    pub(super) fn has(&self, run: &Run) -> bool {
        self.groups.get(&run.source).is_some_and(|group| group.runs.contains_key(&run.at.millis()))
    }

    /// Splits off the series for which `wanted` holds, with the times of their runs.
    pub(super) fn split(&mut self, wanted: impl Fn(u32) -> bool) -> Block {
        let mut other = Block::default();
        for (source, group) in &mut self.groups {
            let series: BTreeMap<_, _> = group.series.extract_if(.., |it, _| wanted(*it)).collect();
            if !series.is_empty() {
                let runs = group.runs.keys().map(|at| (*at, Said::default())).collect();
                other.groups.insert(source.clone(), Group { runs, series });
            }
        }
        other
    }

    /// Takes over the numbers of a block that was split off before.
    pub(super) fn join(&mut self, other: Block) {
        for (source, group) in other.groups {
            let into = self.groups.entry(source).or_default();
            for (at, said) in group.runs {
                into.runs.entry(at).or_insert(said);
            }
            for (number, values) in group.series {
                into.series.entry(number).or_default().extend(values);
            }
        }
    }

    /// Numbers in it.
    pub(super) fn samples(&self) -> usize {
        self.groups.values().flat_map(|group| group.series.values()).map(Vec::len).sum()
    }

    /// The runs in a period, with the keys of their series; `evidence` fetches a raw output.
    pub(super) fn into_runs(
        self,
        from: Time,
        to: Time,
        key: impl Fn(u32) -> Option<Arc<SeriesKey>>,
        mut evidence: impl FnMut(&str) -> Result<Option<xunjian_proto::Evidence>, StoreError>,
    ) -> Result<Vec<Run>, StoreError> {
        let mut runs = Vec::new();
        let wanted = from.millis()..to.millis();
        for group in self.groups.into_values() {
            let mut samples: HashMap<i64, Vec<Sample>> = HashMap::new();
            for (number, values) in group.series {
                let Some(key) = key(number) else { continue };
                for (at, value) in values.into_iter().filter(|(at, _)| wanted.contains(at)) {
                    samples.entry(at).or_default().push(Sample { series: key.clone(), value });
                }
            }
            for (at, said) in group.runs.into_iter().filter(|(at, _)| wanted.contains(at)) {
                let (mut run, proofs) = said.into_run(at)?;
                run.samples = samples.remove(&at).unwrap_or_default();
                for proof in proofs {
                    run.evidence.extend(evidence(&proof)?);
                }
                runs.push(run);
            }
        }
        Ok(runs)
    }

    /// The packed form; with `sayings` it can be made into runs again.
    pub(super) fn encode(&mut self, sayings: bool) -> Result<Vec<u8>, StoreError> {
        let mut out = vec![FORMAT];
        let mut words: Vec<Arc<str>> = Vec::new();
        let mut numbers: HashMap<Arc<str>, i64> = HashMap::new();
        codec::put_varint(&mut out, self.groups.len() as u64);
        for (source, group) in &mut self.groups {
            group.settle();
            codec::put_bytes(&mut out, source.as_bytes());
            let times: Vec<i64> = group.runs.keys().copied().collect();
            codec::put_varint(&mut out, times.len() as u64);
            put(&mut out, |out| column::put_ints(out, &times))?;
            codec::put_varint(&mut out, group.series.len() as u64);
            for (number, values) in &group.series {
                codec::put_varint(&mut out, u64::from(*number));
                put(&mut out, |out| put_series(out, &times, values))?;
            }
            out.push(u8::from(sayings));
            if !sayings {
                continue;
            }
            for part in [|it: &Said| it.took_ms, |it: &Said| it.cpu_us, |it: &Said| it.read_bytes] {
                let column: Vec<i64> = group.runs.values().map(part).collect();
                put(&mut out, |out| column::put_ints(out, &column))?;
            }
            let places = group.runs.values().map(|said| {
                *numbers.entry(said.words.clone()).or_insert_with(|| {
                    words.push(said.words.clone());
                    words.len() as i64 - 1
                })
            });
            let places: Vec<i64> = places.collect();
            put(&mut out, |out| column::put_ints(out, &places))?;
        }
        put_words(&mut out, &words)?;
        Ok(column::seal(out))
    }

    /// Reads the packed form.
    pub(super) fn decode(bytes: &[u8]) -> Result<Block, StoreError> {
        let mut block = Block::default();
        let mut places: Vec<(String, Vec<i64>)> = Vec::new();
        let rest = walk(bytes, |source, mut group| {
            let times = group.times()?;
            let mut into = Group::default();
            while let Some((number, bytes)) = group.next_series()? {
                into.series.insert(number, series(bytes, &times)?);
            }
            let mut said = vec![Said::default(); times.len()];
            if let Some([took, cpu, read, words]) = group.sayings()? {
                let columns = [took, cpu, read].map(|bytes| column::ints(bytes, times.len()));
                let [took, cpu, read] = columns;
                let (took, cpu, read) = (took?, cpu?, read?);
                for (place, said) in said.iter_mut().enumerate() {
                    (said.took_ms, said.cpu_us, said.read_bytes) =
                        (took[place], cpu[place], read[place]);
                }
                places.push((source.to_owned(), column::ints(words, times.len())?));
            }
            into.runs = times.into_iter().zip(said).collect();
            block.groups.insert(source.to_owned(), into);
            Ok(())
        })?;
        let words = words(rest)?;
        for (source, places) in places {
            let group = block.groups.entry(source).or_default();
            for (said, place) in group.runs.values_mut().zip(places) {
                let found = usize::try_from(place).ok().and_then(|place| words.get(place));
                said.words =
                    found.cloned().ok_or_else(|| corrupt("a run's words are not there"))?;
            }
        }
        Ok(block)
    }
}

impl Group {
    /// In order of time, each time once.
    fn settle(&mut self) {
        for values in self.series.values_mut() {
            values.sort_by_key(|(at, _)| *at);
            values.dedup_by_key(|(at, _)| *at);
        }
    }
}

impl Said {
    fn of(mut run: Run) -> Result<Said, StoreError> {
        let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let proofs =
            run.evidence.drain(..).map(|it| xunjian_proto::wire::evidence_id(&it)).collect();
        let said = Said {
            took_ms: i64::from(run.took_ms),
            cpu_us: whole(run.cost.cpu_us),
            read_bytes: whole(run.cost.read_bytes),
            words: Arc::default(),
        };
        run.samples = Vec::new();
        (run.at, run.took_ms, run.cost.cpu_us, run.cost.read_bytes) = (Time::default(), 0, 0, 0);
        let words = super::agents::to_json("a run", &Words { run, proofs })?;
        Ok(Said { words: words.into(), ..said })
    }

    fn into_run(self, at: i64) -> Result<(Run, Vec<String>), StoreError> {
        let words: Words = super::agents::from_json("a run", &self.words)?;
        let mut run = words.run;
        run.at = Time::from_millis(at);
        run.took_ms = u32::try_from(self.took_ms).unwrap_or(u32::MAX);
        let cost = Cost { programs: run.cost.programs, ..Cost::default() };
        run.cost = Cost {
            cpu_us: u64::try_from(self.cpu_us).unwrap_or(0),
            read_bytes: u64::try_from(self.read_bytes).unwrap_or(0),
            ..cost
        };
        Ok((run, words.proofs))
    }
}

#[cfg(test)]
mod tests {
    use xunjian_proto::Outcome;

    use super::{super::packed::one_series, *};

    #[test]
    fn a_block_gives_back_its_runs() {
        let key = |name: &str| {
            Arc::new(SeriesKey {
                metric: name.to_owned(),
                component: xunjian_proto::ComponentId::host(),
                attrs: Vec::new(),
            })
        };
        let keys = [key("a"), key("hw.b")];
        let run = |at: i64| Run {
            source: if at % 2 == 0 { "host".to_owned() } else { "smart".to_owned() },
            at: Time::from_millis(at),
            took_ms: 3,
            outcome: Outcome::Absent("no such tool".to_owned()),
            components: Vec::new(),
            samples: keys
                .iter()
                .take(1 + usize::from(at % 3 == 0))
                .map(|key| Sample { series: key.clone(), value: at as f64 / 4.0 })
                .collect(),
            states: Vec::new(),
            events: Vec::new(),
            problems: Vec::new(),
            evidence: Vec::new(),
            cost: Cost { cpu_us: at.unsigned_abs(), ..Cost::default() },
        };
        let mut block = Block::default();
        let number = |key: &Arc<SeriesKey>| Some(u32::from(key.metric != "a"));
        let runs: Vec<Run> = (0..60).map(run).collect();
        for run in &runs {
            assert_eq!(block.add(run.clone(), number).unwrap(), run.samples.len());
            assert_eq!(block.add(run.clone(), number).unwrap(), 0);
        }
        let mut health = block.split(|number| number == 1);
        let (bytes, health) = (block.encode(true).unwrap(), health.encode(false).unwrap());
        assert_eq!(one_series(&health, 1).unwrap().len(), 20);
        assert_eq!(one_series(&health, 0).unwrap().len(), 0);
        let mut read = Block::decode(&bytes).unwrap();
        read.join(Block::decode(&health).unwrap());
        let all = (Time::from_millis(0), Time::from_millis(100));
        let key = |number: u32| Some(keys[number as usize].clone());
        let mut again = read.into_runs(all.0, all.1, key, |_| Ok(None)).unwrap();
        again.sort_by_key(|run| run.at);
        assert_eq!(again, runs);
    }
}
