//! Bundles: the same readings, carried in a file.

use xunjian_agent::bundle;
use xunjian_collector::ingest::bundle::{BundleError, import, load, read};

use super::*;

fn unsigned() -> (Vec<Run>, Vec<u8>) {
    let runs: Vec<Run> = (0..5).map(recent).collect();
    let content = bundle::content(&host(), &runs, None, clock::now()).unwrap();
    (runs, content)
}

#[test]
fn an_unsigned_bundle_can_be_judged_but_not_imported() {
    block_on(async {
        let folder = Folder::new("bundle-unsigned");
        let door = Door::open(folder.path("collector")).await;
        let (runs, content) = unsigned();
        let read = read(&content, clock::now()).unwrap();
        assert_eq!((&read.runs, &read.host, read.signed), (&runs, &host(), false));
        let refused = import(&door.store, &door.authority, read, clock::now()).unwrap_err();
        assert!(matches!(refused, BundleError::Unsigned));
        door.close().await;
    });
}

#[test]
fn a_signed_bundle_is_imported_once() {
    block_on(async {
        let folder = Folder::new("bundle-signed");
        let door = Door::open(folder.path("collector")).await;
        let identity = door.enrol(folder.path("agent")).await;
        let runs: Vec<Run> = (0..5).map(recent).collect();
        let path = folder.path("site.bundle");
        let signer = identity.credentials();
        bundle::write(&path, &host(), &runs, Some(&signer), clock::now()).unwrap();
        let take = |door: &Door| {
            let bundle = load(&path, clock::now()).unwrap();
            import(&door.store, &door.authority, bundle, clock::now())
        };
        let first = take(&door).unwrap();
        assert_eq!((first.agent.0.as_str(), first.duplicates), (signer.agent_id.as_str(), 0));
        assert_eq!((first.samples, first.stored > 0), (15, true));
        let second = take(&door).unwrap();
        assert_eq!((second.stored, second.duplicates), (0, first.stored));
        assert_eq!(door.stored(&signer.agent_id), runs);

        // The stream of the same agent is not disturbed by the bundle's sequences.
        let agent = Agent::start(&folder, identity, clock::now);
        let more = agent.push(10..13);
        agent.until_sent().await;
        assert_eq!(door.stored(&agent.id()), [runs, more].concat());

        let other = Door::open(folder.path("other")).await;
        assert!(matches!(take(&other).unwrap_err(), BundleError::Foreign(_)));
        door.store.revoke(&first.agent, clock::now()).unwrap();
        assert!(matches!(take(&door).unwrap_err(), BundleError::Revoked(_)));
        other.close().await;
        door.close().await;
    });
}

#[test]
fn a_bundle_that_was_cut_or_changed_is_refused_with_the_reason() {
    let (_, content) = unsigned();
    for end in 0..content.len() {
        assert!(read(&content[..end], clock::now()).is_err(), "cut at {end}");
    }
    for place in 0..content.len() {
        let mut changed = content.clone();
        changed[place] ^= 1;
        let error = read(&changed, clock::now()).unwrap_err();
        assert!(matches!(error, BundleError::Damaged { .. } | BundleError::NoBundle), "{error}");
    }
    let twice = [content.clone(), content].concat();
    assert!(matches!(read(&twice, clock::now()), Err(BundleError::Damaged { .. })));
    assert!(matches!(read(b"PK\x03\x04", clock::now()), Err(BundleError::NoBundle)));
}

/// Whoever changes a batch and its checksum still lacks the agent's key.
#[test]
fn a_signature_covers_everything_before_it() {
    block_on(async {
        let folder = Folder::new("bundle-forged");
        let door = Door::open(folder.path("collector")).await;
        let signer = door.enrol(folder.path("agent")).await.credentials();
        let content = |ticks: std::ops::Range<u32>| {
            let runs: Vec<Run> = ticks.map(recent).collect();
            bundle::content(&host(), &runs, Some(&signer), clock::now()).unwrap()
        };
        let (one, two) = (content(0..2), content(2..4));
        let end = |bytes: &[u8]| {
            let pieces = xunjian_proto::frame::pieces(bytes);
            match pieces.last() {
                Some(xunjian_proto::frame::Piece::Whole { offset, .. }) => *offset,
                other => panic!("no end but {other:?}"),
            }
        };
        let forged = [&one[..end(&one)], &two[end(&two)..]].concat();
        assert!(matches!(read(&forged, clock::now()), Err(BundleError::Signature)));
        assert!(read(&one, clock::now()).unwrap().signed);
        door.close().await;
    });
}
