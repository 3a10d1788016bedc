//! Taking in what happened: events of a run into the lists that rules count in.

use std::time::Duration;

use xunjian_proto::Run;
use xunjian_rules::MetricId;

use super::{
    absorb::{TEXT_MAX, cut},
    view::{EVENTS_MAX, EventSlot, Happening, HostView},
};

impl HostView {
    /// Whether a run is a duplicate is no longer known when it is too late: after a restart an hour is read again. What
    /// it told is known, and does not count twice.
    pub(super) fn events(&mut self, run: &Run, too_late: bool) {
        let mut told: Vec<(usize, MetricId, bool)> = Vec::new();
        for event in &run.events {
            let Some(metric) = self.rules.id(&event.kind) else { continue };
            let Some(part) = self.part_index(&event.component, run.at) else { continue };
            if too_late {
                let known = told.iter().find(|it| (it.0, it.1) == (part, metric)).map(|it| it.2);
                let known = known.unwrap_or_else(|| {
                    let mut slots = self.parts[part].events.iter().filter(|it| it.metric == metric);
                    let known = slots.any(|it| it.list.iter().any(|it| it.told == run.at));
                    told.push((part, metric, known));
                    known
                });
                if known {
                    continue;
                }
            }
            let window =
                self.rules.windows[usize::from(metric.0)].last().copied().unwrap_or_default();
            let events = &mut self.parts[part].events;
            let found = events.iter().position(|it| it.metric == metric);
            let slot = match found {
                Some(slot) => &mut events[slot],
                None => {
                    events.push(EventSlot { metric, list: Vec::new() });
                    events.last_mut().expect("it was pushed just now")
                }
            };
            let happening = Happening {
                // A clock that was set back must not put a happening after the run that tells of it.
                at: event.at.min(run.at),
                told: run.at,
                text: cut(&event.text, TEXT_MAX),
                attrs: event.attrs.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            };
            let place = slot.list.partition_point(|it| (it.at, it.told) <= (happening.at, run.at));
            slot.list.insert(place, happening);
            let newest = slot.list.last().map_or(run.at, |it| it.at);
            // The reach of late runs is kept beside the window.
            let keep = newest - window - Duration::from_secs(3_600);
            slot.list.retain(|it| it.at >= keep);
            if slot.list.len() > EVENTS_MAX {
                slot.list.remove(0);
                self.stats.overflow += 1;
            }
        }
    }
}
