//! GlusterFS: the XML of its command line.

use std::fs;

use xunjian_agent::{saved::File, sources};
use xunjian_proto::Time;

use super::{Share, collect, corpus, files};

#[test]
fn gluster_of_the_field_is_understood() {
    let Some(corpus) = corpus("parallelfs") else { return };
    let saved = sources::ALL.iter().find(|it| it.name == "gluster").unwrap().saved;
    let mut share = Share::default();
    for file in files(&corpus).into_iter().filter(|it| it.to_string_lossy().contains("gluster")) {
        let content = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let name = file.display().to_string();
        let host = saved.host(&[File { name, content }], Time::from_secs(0));
        let found = host.ok().and_then(|it| collect("gluster", &it.host).ok());
        // The pool itself is always one component.
        let good = found.as_ref().is_some_and(|it| it.components.len() > 1);
        share.count(&file, good, found.is_none());
    }
    share.report("gluster", "GlusterFS", 0.98);
}
