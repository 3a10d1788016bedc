//! A full disk and a damaged file: clear errors, nothing lost that was acknowledged, no panic.

use std::{fs, time::Duration};

use xunjian_collector::store::{Judged, Store, StoreError};

use crate::store_kit::{Folder, agent, at, batch, keep, key, run, with_sample};

#[test]
fn a_full_disk_is_an_error_and_loses_nothing_acknowledged() {
    let folder = Folder::new();
    let store = folder.open();
    store.limit_pages(70).unwrap();
    let mut kept = Vec::new();
    let mut refused = 0;
    for sequence in 1..200 {
        // Names that do not compress, so that the batch is large.
        let mut big = run("host", sequence as i64);
        for place in 0..40_u64 {
            let noise = (sequence * 1000 + place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            big = with_sample(big, &format!("m{noise:x}"), 1.0);
        }
        match store.append(&[batch(sequence, &[big])]) {
            Ok(_) => kept.push(sequence),
            Err(error) => {
                refused += 1;
                assert!(matches!(error, StoreError::Engine { operation: "append batches", .. }));
                assert!(error.is_full(), "{error:?}");
            }
        }
    }
    let pages = crate::store_kit::counter(&store, "store_file_bytes") / 4096;
    assert!(
        refused > 0 && kept.len() > 10,
        "{refused} refused, {} kept, {pages} pages",
        kept.len()
    );
    // Refused ones are not known, so they are taken when there is room again.
    let missing = (1..200).find(|it| !kept.contains(it)).unwrap();
    store.limit_pages(1 << 30).unwrap();
    keep(&store, missing, &[run("host", 1)]);
    kept.push(missing);
    let mut stored: Vec<u64> = store.unjudged(1000).unwrap().iter().map(|it| it.sequence).collect();
    stored.sort_unstable();
    kept.sort_unstable();
    assert_eq!(stored, kept);
}

/// Every page in turn gets a flipped byte: each reading succeeds or says what is wrong.
#[test]
fn a_flipped_page_is_an_error_and_never_a_panic() {
    let folder = Folder::new();
    let store = folder.open();
    for tick in 0..200 {
        let host = with_sample(run("host", tick * 60), "x", (tick as f64).sqrt());
        keep(&store, tick as u64 + 1, &[with_sample(host, "hw.y", tick as f64)]);
    }
    let upto = vec![(agent(), 120)];
    store.commit_judged(&Judged { upto, ..Judged::default() }).unwrap();
    assert_eq!(store.compact(at(7260)).unwrap(), 1);
    let whole = Folder::new();
    store.backup(&whole.0).unwrap();
    let bytes = fs::read(whole.0.join("xunjian.db")).unwrap();
    let pages = bytes.len() / 4096;
    let mut errors = 0;
    for page in 0..pages {
        let mut damaged = bytes.clone();
        for offset in [7, 100, 2000, 4000] {
            damaged[page * 4096 + offset] ^= 0x55;
        }
        let folder = Folder::new();
        fs::create_dir_all(&folder.0).unwrap();
        fs::write(folder.0.join("xunjian.db"), damaged).unwrap();
        errors += u32::from(use_all(&folder.0).is_err());
    }
    assert!(errors > 0, "{pages} pages, and none of them mattered");
}

fn use_all(folder: &std::path::Path) -> Result<(), StoreError> {
    let store = Store::open(folder)?;
    let mut results = vec![
        store.agents().map(drop),
        store.components(&agent()).map(drop),
        store.series(&agent(), None).map(drop),
        store.runs(&agent(), at(0), at(20_000)).map(drop),
        store.unjudged(1000).map(drop),
        store.ledger(&agent(), at(0), at(20_000)).map(drop),
        store.append(&[batch(1000, &[run("host", 5)])]).map(drop),
        store.compact(at(90_000)).map(drop),
        store.retain(at(0)),
    ];
    for metric in ["x", "hw.y"] {
        for step in [1, 3600] {
            let step = Duration::from_secs(step);
            let points = store.points(&agent(), &key(metric), at(0), at(20_000), step);
            results.push(points.map(drop));
        }
    }
    results.into_iter().collect()
}
