//! Mounts of type `lustre`: a client's mount stands on the file system, a server's on the target that it serves.
//!
//! Facts: mount.lustre(8). `/proc/self/mountinfo` shows `10.0.0.1@o2ib:10.0.0.2@o2ib:/lfs/dir` as source of a client's
//! mount, and `svname=lfs-OST0000` among the options of a server's. How full they are is the source `fs`'s to ask.

use xunjian_proto::{Component, ComponentId, Link, Relation};

use super::{
    metrics,
    names::{Target, fs_id},
};
use crate::{mounts, source::Collect};

/// Emits the mounts and what they stand on.
pub(super) fn emit(c: &mut Collect<'_>) {
    let text = c.host.read("proc/self/mountinfo").unwrap_or_default();
    if let Some(line) = mounts::parse(&text).1.first() {
        c.host.misread("/proc/self/mountinfo", line);
    }
    let mut seen = Vec::new();
    for (point, source, options) in text.lines().filter_map(mount) {
        if seen.contains(&point) {
            continue;
        }
        let served = options.split(',').find_map(|it| it.strip_prefix("svname="));
        let (to, role) = match served.and_then(Target::parse) {
            Some(target) => (target.id(), "server"),
            None => match file_system(source) {
                Some(fs) => (fs_id(fs), "client"),
                None => continue,
            },
        };
        let id = ComponentId::new("filesystem", point);
        c.component(Component {
            id: id.clone(),
            name: point.to_owned(),
            attrs: [("system.filesystem.type".to_owned(), "lustre".to_owned())].into(),
            links: vec![Link { relation: Relation::On, to }],
            set: None,
        });
        c.state(&metrics::MOUNTED_FS, &id, role);
        seen.push(point);
    }
}

/// Mount point, source and options of a line of mountinfo, if it is of type `lustre`.
fn mount(line: &str) -> Option<(&str, &str, &str)> {
    let (front, back) = line.split_once(" - ")?;
    let point = front.split(' ').nth(4)?;
    let mut back = back.split(' ');
    let (kind, source, options) = (back.next()?, back.next()?, back.next().unwrap_or_default());
    (kind == "lustre" && point.starts_with('/') && !point.contains('\\'))
        .then_some((point, source, options))
}

/// `10.0.0.1@o2ib:/lfs/dir` is of `lfs`.
fn file_system(source: &str) -> Option<&str> {
    let (_, path) = source.rsplit_once(":/")?;
    path.split('/').next().filter(|it| !it.is_empty())
}
