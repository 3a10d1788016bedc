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
        if let Some(command) = of_people(&file.content) {
            return Err(format!(
                "{}: this is the table for people, which cuts long names; save the output of `{command} --xml`",
                file.name
            ));
        }
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

/// The command that printed a text for people.
fn of_people(text: &str) -> Option<&'static str> {
    const SIGNS: &[(&str, &str)] = &[
        ("Status of volume: ", "gluster volume status all detail"),
        ("Number of Bricks: ", "gluster volume info"),
        ("Volume Name: ", "gluster volume info"),
        ("Number of Peers: ", "gluster peer status"),
        ("Number of entries: ", "gluster volume heal VOLUME info summary"),
        ("Number of entries in heal pending: ", "gluster volume heal VOLUME info summary"),
    ];
    let begins = |start: &str| text.lines().any(|line| line.trim_start().starts_with(start));
    SIGNS.iter().find(|(sign, _)| begins(sign)).map(|it| it.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_for_people_is_refused_with_the_command_to_run() {
        let refused = |content: &str| {
            let file = File { name: "a.txt".to_owned(), content: content.to_owned() };
            host(&[file], Time::from_millis(0)).err().unwrap_or_default()
        };
        let status = refused("Status of volume: gv0\nBrick a:/b  N/A  N/A  N  N/A\n");
        assert!(status.contains("`gluster volume status all detail --xml`"), "{status}");
        let peers = refused("Number of Peers: 1\n\nHostname: b\n");
        assert!(peers.contains("`gluster peer status --xml`"), "{peers}");
        assert!(refused("hello").contains("want output of"));
    }
}
