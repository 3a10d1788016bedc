//! What `lnetctl` and the files below `/proc/sys/lnet` say of networks, peers and counters.
//!
//! Facts: lnetctl(8), Lustre Operations Manual on LNet health. The output is YAML of a fixed, narrow kind: keys with
//! values, nested by indentation, lists of interfaces that begin with `nid:`. `lnetctl export` prints the same parts
//! one after another. Older versions have `nis`, `peers` and `stats` files instead.

use std::collections::BTreeMap;

use super::params::plausible;

/// Interfaces of this host and of all peers at most.
const INTERFACES_MAX: usize = 50_000;

/// One interface: of this host, or of a peer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Interface {
    /// `10.0.0.1@o2ib`.
    pub(super) nid: String,
    /// What is said of it, by the name and the name above: `status`, `health stats.health value`, `statistics.drop_count`.
    pub(super) fields: BTreeMap<String, String>,
}

impl Interface {
    /// A field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// A field that is a number.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        plausible(self.get(name)?)
    }

    /// The network: `o2ib` of `10.0.0.1@o2ib`.
    pub(super) fn network(&self) -> &str {
        self.nid.split_once('@').map_or("", |it| it.1)
    }
}

/// Everything that was understood.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Lnet {
    /// Interfaces of this host; none if that part was not there.
    pub(super) local: Option<Vec<Interface>>,
    /// Interfaces of the peers; none if that part was not there.
    pub(super) peers: Option<Vec<Interface>>,
    /// Counters of the whole host: `send_count`, `drop_count`.
    pub(super) counters: BTreeMap<String, f64>,
    /// Lines that were not understood.
    pub(super) strange: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    None,
    Net,
    Peer,
    Statistics,
}

impl Lnet {
    /// Understands output of `lnetctl net show`, `peer show`, `stats show` or `export`.
    pub(super) fn add_yaml(&mut self, text: &str) {
        let mut part = Part::None;
        // Indentation and name of the keys above the current line.
        let mut above: Vec<(usize, &str)> = Vec::new();
        let mut interface_at: Option<usize> = None;
        for line in text.lines().filter(|it| !it.trim().is_empty()) {
            let body = line.trim_start();
            let plain = body.strip_prefix("- ").unwrap_or(body);
            let indent = line.len() - plain.len();
            let Some((key, value)) = pair(plain) else {
                self.strange += 1;
                continue;
            };
            if line.len() == body.len() && !body.starts_with('-') {
                part = self.begin(key);
                above.clear();
                interface_at = None;
                continue;
            }
            above.retain(|it| it.0 < indent);
            if interface_at.is_some_and(|it| indent < it) {
                interface_at = None;
            }
            if key == "nid" && matches!(part, Part::Net | Part::Peer) {
                self.interface(part, value);
                interface_at = Some(indent);
            } else if part == Part::Statistics {
                if let Some(number) = plausible(value) {
                    self.counters.insert(key.to_owned(), number);
                }
            } else if let Some(at) = interface_at
                && !value.is_empty()
            {
                let parent = above.last().filter(|it| it.0 >= at).map(|it| it.1);
                let name = parent.map_or(key.to_owned(), |it| format!("{it}.{key}"));
                self.field(part, name, value);
            }
            above.push((indent, key));
        }
    }

    fn begin(&mut self, key: &str) -> Part {
        match key {
            "net" => {
                self.local.get_or_insert_default();
                Part::Net
            }
            "peer" => {
                self.peers.get_or_insert_default();
                Part::Peer
            }
            "statistics" => Part::Statistics,
            _ => Part::None,
        }
    }

    fn list(&mut self, part: Part) -> Option<&mut Vec<Interface>> {
        match part {
            Part::Net => self.local.as_mut(),
            Part::Peer => self.peers.as_mut(),
            Part::None | Part::Statistics => None,
        }
    }

    fn interface(&mut self, part: Part, nid: &str) {
        if let Some(list) = self.list(part).filter(|it| it.len() < INTERFACES_MAX) {
            list.push(Interface { nid: nid.to_owned(), fields: BTreeMap::new() });
        }
    }

    fn field(&mut self, part: Part, name: String, value: &str) {
        if let Some(last) = self.list(part).and_then(|it| it.last_mut()) {
            last.fields.entry(name).or_insert_with(|| value.to_owned());
        }
    }

    /// Understands `/proc/sys/lnet/nis`: `nid status alive refs peer rtr max tx min`, one line an interface and CPU
    /// partition.
    pub(super) fn add_nis(&mut self, text: &str) {
        self.strange += usize::from(!is_table(text));
        let list = self.local.get_or_insert_default();
        for (words, columns) in rows(text, "nid") {
            let field =
                |name: &str| columns.iter().position(|it| *it == name).and_then(|at| words.get(at));
            let Some(nid) = field("nid").filter(|it| !list.iter().any(|old| old.nid == **it))
            else {
                continue;
            };
            let status = field("status").map(|it| ("status".to_owned(), (*it).to_owned()));
            list.push(Interface { nid: (*nid).to_owned(), fields: status.into_iter().collect() });
        }
    }

    /// Understands `/proc/sys/lnet/peers`: `nid refs state last max rtr min tx min queue`.
    pub(super) fn add_peers(&mut self, text: &str) {
        self.strange += usize::from(!is_table(text));
        let list = self.peers.get_or_insert_default();
        for (words, columns) in rows(text, "nid") {
            let field =
                |name: &str| columns.iter().position(|it| *it == name).and_then(|at| words.get(at));
            let Some(nid) = field("nid") else { continue };
            let state = field("state").map(|it| ("state".to_owned(), (*it).to_owned()));
            list.push(Interface { nid: (*nid).to_owned(), fields: state.into_iter().collect() });
        }
    }

    /// Understands `/proc/sys/lnet/stats`: eleven numbers in a row.
    pub(super) fn add_stats(&mut self, text: &str) {
        const NAMES: [&str; 11] = [
            "msgs_alloc",
            "msgs_max",
            "errors",
            "send_count",
            "recv_count",
            "route_count",
            "drop_count",
            "send_length",
            "recv_length",
            "route_length",
            "drop_length",
        ];
        let numbers: Option<Vec<f64>> = text.split_whitespace().map(plausible).collect();
        match numbers.filter(|it| it.len() == NAMES.len()) {
            Some(numbers) => {
                let named = NAMES.iter().map(|it| (*it).to_owned()).zip(numbers);
                self.counters.extend(named);
            }
            None => self.strange += 1,
        }
    }
}

/// `key: value`, `key:`; a value in quotes loses them.
fn pair(text: &str) -> Option<(&str, &str)> {
    if let Some((key, value)) = text.split_once(": ") {
        return Some((key.trim(), value.trim().trim_matches('"')));
    }
    text.trim_end().strip_suffix(':').map(|key| (key.trim(), ""))
}

/// Whether a file is empty or has the line of its columns.
fn is_table(text: &str) -> bool {
    text.trim().is_empty() || text.lines().any(|it| it.split_whitespace().next() == Some("nid"))
}

/// Rows of a table whose first line names the columns, which begins with `first`.
fn rows<'a>(text: &'a str, first: &str) -> Vec<(Vec<&'a str>, Vec<&'a str>)> {
    let mut lines = text.lines().map(|it| it.split_whitespace().collect::<Vec<_>>());
    let Some(columns) = lines.find(|it| it.first() == Some(&first)) else { return Vec::new() };
    lines
        .filter(|it| !it.is_empty())
        .take(INTERFACES_MAX)
        .map(|words| (words, columns.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOW: &str = "net:
    - net type: o2ib
      local NI(s):
        - nid: 10.1.0.1@o2ib
          status: up
          interfaces:
              0: ib0
          statistics:
              send_count: 5
              drop_count: 1
          health stats:
              health value: 900
        - nid: 10.1.0.2@o2ib
          status: down
peer:
    - primary nid: 10.1.0.9@o2ib
      Multi-Rail: True
      peer ni:
        - nid: 10.1.0.9@o2ib
          state: up
          health stats:
              health value: 1000
global:
    numa_range: 0
";

    #[test]
    fn interfaces_keep_their_own_fields() {
        let mut lnet = Lnet::default();
        lnet.add_yaml(SHOW);
        let local = lnet.local.unwrap();
        assert_eq!(local.len(), 2);
        assert_eq!(local[0].get("interfaces.0"), Some("ib0"));
        assert_eq!(local[0].number("health stats.health value"), Some(900.0));
        assert_eq!(local[1].get("status"), Some("down"));
        assert_eq!(local[1].number("statistics.send_count"), None);
        let peers = lnet.peers.unwrap();
        assert_eq!((peers.len(), peers[0].get("state")), (1, Some("up")));
        assert_eq!(lnet.strange, 0);
    }

    #[test]
    fn files_of_older_versions_are_understood() {
        let mut lnet = Lnet::default();
        lnet.add_stats("0 28 3 10 11 0 4 100 200 0 9\n");
        assert_eq!((lnet.counters["errors"], lnet.counters["drop_count"]), (3.0, 4.0));
        lnet.add_nis(
            "nid status alive refs peer rtr max tx min\n0@lo up 0 2 0 0 0 0 0\n\
                      10.0.0.1@tcp up -1 3 8 0 256 256 250\n10.0.0.1@tcp up -1 3 8 0 256 256 250\n",
        );
        assert_eq!(lnet.local.as_ref().unwrap().len(), 2);
        lnet.add_peers(
            "nid refs state last max rtr min tx min queue\n10.0.0.2@tcp 1 down -1 8 8 8 8 6 0\n",
        );
        assert_eq!(lnet.peers.unwrap()[0].get("state"), Some("down"));
    }
}
