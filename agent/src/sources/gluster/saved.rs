//! Saved XML of the CLI, any number of answers.

use xunjian_proto::Time;

use super::{pool::Pool, xml::parse};
use crate::{
    host::Given,
    saved::{File, SavedHost},
};

/// What can be given.
pub(super) const WHAT: &[&str] = &[
    "output of `gluster --xml` with `pool list`, `peer status`, `volume info`, `volume list`, `volume status all detail`, \
     `volume heal VOLUME info summary`, `volume quota VOLUME list` or `volume profile VOLUME info`, one file each",
];

/// Each answer is given to the question that it fits; several of one kind are put into one.
pub(super) fn host(files: &[File], _made: Time) -> Result<SavedHost, String> {
    let mut host = Given::default();
    host.file("var/lib/glusterd/glusterd.info", "");
    let mut bodies = String::new();
    for file in files {
        let wanted = || format!("{}: want {}", file.name, WHAT.join(", or "));
        Pool::default()
            .absorb(&file.content, None)
            .map_err(|why| format!("{}: {why}", wanted()))?;
        let document = parse(&file.content).map_err(|why| format!("{}: {why}", wanted()))?;
        let parts = document.root_element().children().filter(|it| it.is_element());
        for part in parts.filter(|it| !it.tag_name().name().starts_with("op")) {
            bodies.push_str(&file.content[part.range()]);
        }
    }
    let all = format!("<cliOutput><opRet>0</opRet>{bodies}</cliOutput>");
    host.answer(&["gluster", "info"], 0, all);
    Ok(SavedHost { host, at: None })
}
