//! The store: what was acknowledged stays, nothing counts twice, and what is read is what was written.

use std::{fs, time::Duration};

use xunjian_collector::store::{AgentId, Appended, Judged, Store, StoreError, StoredBatch};
use xunjian_proto::{Component, ComponentId, Event, Evidence, HostFacts, Outcome};

use crate::store_kit::{
    Folder, agent, at, batch, counter, disk, facts, keep, key, run, with_sample, with_state,
};

#[test]
fn what_was_appended_is_there_after_reopening() {
    let folder = Folder::new();
    let runs = [with_sample(run("smart", 10), "hw.temperature", 31.0)];
    folder.open().append(&[batch(1, &runs), batch(2, &[run("md", 20)])]).unwrap();
    let store = folder.open();
    assert_eq!(store.last_sequence(&agent()).unwrap(), Some(2));
    assert_eq!(store.runs(&agent(), at(0), at(15)).unwrap(), runs);
    let waiting = store.unjudged(10).unwrap();
    assert_eq!(waiting.iter().map(|it| it.sequence).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(waiting[0].body, batch(1, &runs).body);
    assert_eq!(waiting[0].agent, agent());
}

#[test]
fn duplicates_are_dropped_and_counted_and_gaps_are_not() {
    let folder = Folder::new();
    let store = folder.open();
    let of = |sequence| batch(sequence, &[run("md", 10)]);
    let appended = store.append(&[of(1), of(1), of(3)]).unwrap();
    assert_eq!(appended, [Appended::Stored, Appended::Duplicate, Appended::Stored]);
    drop(store);
    let store = folder.open();
    assert_eq!(store.sequence_gaps(&agent()).unwrap(), 1);
    assert_eq!(store.append(&[of(3), of(2)]).unwrap(), [Appended::Duplicate, Appended::Stored]);
    assert_eq!(counter(&store, "store_duplicate_batches_total"), 1);
    assert_eq!(store.sequence_gaps(&agent()).unwrap(), 0);
    let other_boot = StoredBatch { boot_id: "boot-2".to_owned(), ..of(1) };
    assert_eq!(store.append(&[other_boot]).unwrap(), [Appended::Stored]);
    assert_eq!(store.last_sequence(&agent()).unwrap(), Some(1));
}

#[test]
fn judged_batches_do_not_wait_and_later_arrivals_do() {
    let folder = Folder::new();
    let store = folder.open();
    let of = |sequence| batch(sequence, &[run("md", 10)]);
    // 51 was sent live; 7 came later with a bundle.
    store.append(&[of(50), of(51), of(7)]).unwrap();
    let judged = Judged {
        upto: vec![(agent(), 51)],
        holds: vec![(agent(), vec![1, 2, 3])],
        ..Judged::default()
    };
    store.commit_judged(&judged).unwrap();
    let store = folder.open();
    let waiting: Vec<u64> = store.unjudged(10).unwrap().iter().map(|it| it.sequence).collect();
    assert_eq!(waiting, [7]);
    assert_eq!(store.holds().unwrap(), [(agent(), vec![1, 2, 3])]);
}

#[test]
fn definitions_are_kept_once_per_agent() {
    let folder = Folder::new();
    let store = folder.open();
    let mut first = batch(1, &[run("md", 10)]);
    first.definitions = vec![([1; 8], vec![9; 100])];
    store.append(&[first]).unwrap();
    assert_eq!(store.missing_definitions(&agent(), &[[1; 8], [2; 8]]).unwrap(), [[2; 8]]);
    let other = AgentId("ff".repeat(16));
    assert_eq!(store.missing_definitions(&other, &[[1; 8]]).unwrap(), [[1; 8]]);
}

#[test]
fn what_is_gone_stays_with_its_old_time() {
    let folder = Folder::new();
    let store = folder.open();
    let component = |name: &str| Component {
        id: ComponentId::new("disk", name),
        name: name.to_owned(),
        attrs: Default::default(),
        links: Vec::new(),
        set: None,
    };
    let mut both = run("smart", 10);
    both.components = vec![component("A"), component("B")];
    let mut one = run("smart", 400);
    one.components = vec![component("A")];
    keep(&store, 1, &[both]);
    keep(&store, 2, &[one.clone()]);
    for store in [store, folder.open()] {
        let seen = store.components(&agent()).unwrap();
        assert_eq!(seen, [(component("A"), at(400)), (component("B"), at(10))]);
        assert_eq!(store.sources(&agent()).unwrap()[0].collected_at, Some(at(400)));
    }
}

#[test]
fn a_failed_run_does_not_move_the_time_of_collection() {
    let folder = Folder::new();
    let store = folder.open();
    let mut failed = run("smart", 70);
    failed.outcome = Outcome::Failed("no answer".to_owned());
    keep(&store, 1, &[with_state(run("smart", 10), "ok")]);
    keep(&store, 2, &[failed.clone()]);
    let status = store.sources(&agent()).unwrap().remove(0);
    assert_eq!((status.at, status.collected_at), (at(70), Some(at(10))));
    assert_eq!(status.outcome, failed.outcome);
    assert_eq!(store.states(&agent()).unwrap()[0].1, at(10));
}

#[test]
fn memory_that_was_not_written_is_made_again_from_the_batches() {
    let folder = Folder::new();
    let store = folder.open();
    store.enrol(&agent(), &facts(), at(0)).unwrap();
    for tick in 0..40 {
        let runs = [
            with_sample(run("host", tick * 10), "system.cpu.time", tick as f64),
            with_state(run("md", tick * 10 + 1), if tick < 20 { "clean" } else { "degraded" }),
        ];
        keep(&store, tick as u64 + 1, &runs);
    }
    // Another process, or this one after a crash: nothing was closed in order.
    let after = folder.open();
    assert_eq!(after.series(&agent(), None).unwrap(), store.series(&agent(), None).unwrap());
    assert_eq!(after.series(&agent(), Some(&disk())).unwrap()[0].2, 39.0);
    assert_eq!(after.series(&agent(), Some(&ComponentId::host())).unwrap(), []);
    assert_eq!(after.sources(&agent()).unwrap(), store.sources(&agent()).unwrap());
    let ledger = after.ledger(&agent(), at(0), at(3600)).unwrap();
    assert_eq!(ledger, store.ledger(&agent(), at(0), at(3600)).unwrap());
    assert_eq!(ledger.iter().map(|row| row.collected).collect::<Vec<_>>(), [40, 40]);
    let changes = after.state_changes(&agent(), None, at(0), at(3600)).unwrap();
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[1].from.as_deref(), Some("clean"));
    assert_eq!((changes[1].to.as_str(), changes[1].at), ("degraded", at(201)));
}

#[test]
fn a_run_absorbed_twice_counts_once() {
    let folder = Folder::new();
    let store = folder.open();
    let mut noisy = run("kmsg", 10);
    noisy.events.push(Event {
        kind: "kernel.io_error.medium".to_owned(),
        component: disk(),
        at: at(9),
        text: "critical medium error, dev sda, sector 7".to_owned(),
        attrs: Default::default(),
    });
    noisy.cost.cpu_us = 5;
    noisy.cost.programs.push(("smartctl --json".to_owned(), 120));
    keep(&store, 1, &[noisy.clone()]);
    store.absorb(&agent(), &[noisy.clone()]).unwrap();
    let store = folder.open();
    store.absorb(&agent(), &[noisy.clone()]).unwrap();
    let ledger = store.ledger(&agent(), at(0), at(60)).unwrap();
    assert_eq!((ledger[0].collected, ledger[0].cpu_us), (1, 5));
    assert_eq!(ledger[0].programs, [("smartctl --json".to_owned(), 1, 120)]);
    assert_eq!((ledger[0].took_ms_p50, ledger[0].took_ms_p99), (7, 7));
    assert_eq!(store.events(&agent(), at(0), at(60), 10).unwrap(), noisy.events);
    assert_eq!(store.events(&agent(), at(10), at(60), 10).unwrap(), []);
}

#[test]
fn words_that_come_late_find_their_place_in_the_history() {
    let folder = Folder::new();
    let store = folder.open();
    let values = [(100, "clean"), (700, "degraded"), (400, "degraded"), (500, "clean")];
    for (place, (secs, value)) in values.iter().enumerate() {
        keep(&store, place as u64 + 1, &[with_state(run("md", *secs), value)]);
    }
    let changes = store.state_changes(&agent(), Some(&disk()), at(0), at(3600)).unwrap();
    let seen: Vec<_> = changes.iter().map(|it| (it.at, it.to.as_str())).collect();
    assert_eq!(seen, [(at(100), "clean"), (at(400), "degraded"), (at(500), "clean")]);
    assert_eq!(store.states(&agent()).unwrap()[0].1, at(700));
}

#[test]
fn evidence_is_kept_once_and_found_by_its_content() {
    let folder = Folder::new();
    let store = folder.open();
    let evidence =
        |content: &str| Evidence { name: "/proc/mdstat".into(), content: content.into() };
    let with = |secs, content| {
        let mut it = run("md", secs);
        it.evidence.push(evidence(content));
        it
    };
    for (place, (secs, content)) in [(10, "[UU]"), (20, "[UU]"), (30, "[U_]")].iter().enumerate() {
        keep(&store, place as u64 + 1, &[with(*secs, content)]);
    }
    let store = folder.open();
    let newest = store.evidence_of(&agent(), "md").unwrap();
    assert_eq!(newest.len(), 1);
    assert_eq!((newest[0].1.as_str(), newest[0].2), ("/proc/mdstat", at(30)));
    assert_eq!(store.evidence(&newest[0].0).unwrap(), Some(evidence("[U_]")));
    assert_eq!(store.evidence("none").unwrap(), None);
}

#[test]
fn steps_sum_up_what_lies_in_them() {
    let folder = Folder::new();
    let store = folder.open();
    for (place, value) in [1.0, 3.0, 8.0, 2.0].iter().enumerate() {
        let secs = place as i64 * 30;
        keep(&store, place as u64 + 1, &[with_sample(run("host", secs), "x", *value)]);
    }
    let points =
        store.points(&agent(), &key("x"), at(0), at(120), Duration::from_secs(60)).unwrap();
    let seen: Vec<_> = points.iter().map(|it| (it.at, it.min, it.mean, it.max)).collect();
    assert_eq!(seen, [(at(0), 1.0, 2.0, 3.0), (at(60), 2.0, 5.0, 8.0)]);
    // The cache grows with what comes.
    keep(&store, 9, &[with_sample(run("host", 100), "x", 11.0)]);
    let points =
        store.points(&agent(), &key("x"), at(90), at(120), Duration::from_secs(1)).unwrap();
    assert_eq!(points.iter().map(|it| it.mean).collect::<Vec<_>>(), [2.0, 11.0]);
    assert!(store.points(&agent(), &key("y"), at(0), at(120), Duration::ZERO).unwrap().is_empty());
}

#[test]
fn agents_keep_their_first_enrolment_and_are_shut_out_once() {
    let folder = Folder::new();
    let store = folder.open();
    store.enrol(&agent(), &facts(), at(0)).unwrap();
    store.hello(&agent(), &HostFacts { hostname: "renamed".into(), ..facts() }, at(50)).unwrap();
    keep(&store, 1, &[run("md", 10)]);
    assert!(store.revoke(&agent(), at(60)).unwrap());
    assert!(!store.revoke(&agent(), at(61)).unwrap());
    let agents = folder.open().agents().unwrap();
    assert_eq!(agents.len(), 1);
    assert_eq!(agents[0].host.hostname, "renamed");
    assert_eq!(agents[0].enrolled_at, at(0));
    assert_eq!(agents[0].last_seen, Some(at(10)));
    assert_eq!(agents[0].revoked_at, Some(at(60)));
}

#[test]
fn a_token_opens_once_and_only_in_time() {
    let folder = Folder::new();
    let store = folder.open();
    store.put_token("a", at(100)).unwrap();
    store.put_token("b", at(100)).unwrap();
    assert!(store.take_token("a", at(99)).unwrap());
    assert!(!store.take_token("a", at(99)).unwrap());
    assert!(!store.take_token("b", at(100)).unwrap());
    assert!(!store.take_token("c", at(0)).unwrap());
}

#[test]
fn ticket_numbers_are_given_once() {
    let folder = Folder::new();
    let store = folder.open();
    let mut numbers: Vec<u32> = std::thread::scope(|scope| {
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let store = store.clone();
                scope.spawn(move || {
                    (0..5)
                        .map(|_| store.next_ticket_number("20261122").unwrap())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        tasks.into_iter().flat_map(|task| task.join().unwrap()).collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20).collect::<Vec<u32>>());
    assert_eq!(store.next_ticket_number("20261123").unwrap(), 1);
}

#[test]
fn a_store_of_a_newer_format_or_of_another_program_is_refused() {
    let folder = Folder::new();
    drop(folder.open());
    let database = rusqlite::Connection::open(folder.0.join("xunjian.db")).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    drop(database);
    assert!(matches!(Store::open(&folder.0), Err(StoreError::Newer { found: 999, .. })));
    let other = Folder::new();
    fs::create_dir_all(&other.0).unwrap();
    let database = rusqlite::Connection::open(other.0.join("xunjian.db")).unwrap();
    database.execute_batch("CREATE TABLE theirs(x)").unwrap();
    drop(database);
    assert!(matches!(Store::open(&other.0), Err(StoreError::Corrupt { .. })));
}

#[test]
fn a_backup_restores_to_the_same_and_never_overwrites() {
    let folder = Folder::new();
    let store = folder.open();
    store.enrol(&agent(), &facts(), at(0)).unwrap();
    keep(&store, 1, &[with_sample(run("host", 10), "x", 4.0)]);
    let (copy, new) = (Folder::new(), Folder::new());
    store.backup(&copy.0).unwrap();
    assert!(matches!(store.backup(&copy.0), Err(StoreError::NotEmpty { .. })));
    keep(&store, 2, &[with_sample(run("host", 20), "x", 5.0)]);
    let restored = Store::restore(&copy.0, &new.0).unwrap();
    assert_eq!(restored.last_sequence(&agent()).unwrap(), Some(1));
    assert_eq!(restored.series(&agent(), None).unwrap()[0].2, 4.0);
    assert_eq!(restored.agents().unwrap(), {
        let mut agents = store.agents().unwrap();
        agents[0].last_seen = Some(at(10));
        agents
    });
    assert!(matches!(Store::restore(&copy.0, &new.0), Err(StoreError::NotEmpty { .. })));
    let file = copy.0.join("xunjian.db");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    let third = Folder::new();
    assert!(matches!(Store::restore(&copy.0, &third.0), Err(StoreError::Corrupt { .. })));
}
