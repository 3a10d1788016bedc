//! What is known of a trusted pool, put together from the CLI's answers. Each is known by the body it holds.

use std::collections::BTreeMap;

use roxmltree::Node;

use super::xml::{child, children, number, parse, text, whole};

/// Most peers, volumes, bricks or limits that are taken from one answer.
const ITEMS_MAX: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct Pool {
    /// This node, where it is known.
    pub(super) own: Option<String>,
    /// By UUID.
    pub(super) peers: BTreeMap<String, Peer>,
    /// By name.
    pub(super) volumes: BTreeMap<String, Volume>,
    /// Raw answers that are worth keeping, with the questions.
    pub(super) proofs: Vec<(String, String)>,
    /// Whether some answer told which bricks serve.
    pub(super) has_status: bool,
}

#[derive(Debug, Default)]
pub(super) struct Peer {
    pub(super) name: String,
    pub(super) connected: Option<bool>,
    pub(super) state: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Volume {
    pub(super) id: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) status: Option<String>,
    pub(super) replica: u32,
    pub(super) arbiter: u32,
    pub(super) disperse: u32,
    pub(super) redundancy: u32,
    /// Striping of old releases (before 6), whose groups are not worked out.
    pub(super) stripe: u32,
    pub(super) options: BTreeMap<String, String>,
    /// In the order of the volume: neighbours protect each other.
    pub(super) bricks: Vec<Brick>,
    /// Entries to heal and in split-brain; none if not all bricks told.
    pub(super) pending: Option<f64>,
    pub(super) split_brain: Option<f64>,
    pub(super) limits: Vec<Limit>,
}

#[derive(Debug, Default)]
pub(super) struct Brick {
    /// `node1:/bricks/a`.
    pub(super) name: String,
    pub(super) node: Option<String>,
    pub(super) arbiter: bool,
    pub(super) online: Option<bool>,
    pub(super) size: Option<f64>,
    pub(super) free: Option<f64>,
    pub(super) inodes: Option<f64>,
    pub(super) inodes_free: Option<f64>,
    pub(super) device: Option<String>,
    pub(super) filesystem: Option<String>,
    pub(super) read: Option<f64>,
    pub(super) written: Option<f64>,
}

/// A directory's quota.
#[derive(Debug)]
pub(super) struct Limit {
    pub(super) path: String,
    pub(super) hard: f64,
    pub(super) used: f64,
}

/// A brick, and how many files wait for healing there and are in split-brain.
type BrickCount = (String, Option<f64>, Option<f64>);

impl Pool {
    /// Takes in an answer about a volume (where the question named one). An error says what was wrong with the answer.
    pub(super) fn absorb(&mut self, answer: &str, about: Option<&str>) -> Result<(), String> {
        let document = parse(answer)?;
        let root = document.root_element();
        if !root.has_tag_name("cliOutput") {
            return Err(format!("want cliOutput, found {:?}", root.tag_name().name()));
        }
        if let Some(code) = text(root, "opRet").filter(|it| it != "0") {
            let said = text(root, "opErrstr").unwrap_or_else(|| format!("opRet {code}"));
            return Err(said);
        }
        let mut known = false;
        for body in root.children().filter(Node::is_element) {
            known |= match body.tag_name().name() {
                "peerStatus" => self.take_peers(body),
                "volInfo" => self.take_volumes(body),
                "volList" => self.take_names(body),
                "volStatus" => self.take_status(body),
                "healInfo" => self.take_heal(body, about),
                "volQuota" => self.take_quota(body, about),
                "volProfile" => self.take_profile(body),
                _ => false,
            };
        }
        if known { Ok(()) } else { Err("no body that is known".to_owned()) }
    }

    fn take_peers(&mut self, body: Node<'_, '_>) -> bool {
        for it in children(body, "peer").take(ITEMS_MAX) {
            let Some(id) = text(it, "uuid") else { continue };
            let name = text(it, "hostname").unwrap_or_else(|| id.clone());
            if name == "localhost" {
                self.own = Some(id.clone());
            }
            let peer = self.peers.entry(id).or_default();
            peer.name = name;
            peer.connected = whole(it, "connected").map(|it| it == 1).or(peer.connected);
            peer.state = text(it, "stateStr").or(peer.state.take());
        }
        true
    }

    fn take_volumes(&mut self, body: Node<'_, '_>) -> bool {
        let Some(all) = child(body, "volumes") else { return false };
        for it in children(all, "volume").take(ITEMS_MAX) {
            let Some(name) = text(it, "name") else { continue };
            let volume = self.volumes.entry(name).or_default();
            volume.id = text(it, "id");
            volume.kind = text(it, "typeStr");
            volume.status = text(it, "statusStr");
            let count = |key: &str| whole(it, key).unwrap_or(0);
            volume.replica = count("replicaCount");
            volume.arbiter = count("arbiterCount");
            volume.disperse = count("disperseCount");
            volume.redundancy = count("redundancyCount");
            volume.stripe = count("stripeCount");
            let options = child(it, "options");
            for option in
                options.iter().flat_map(|it| it.children()).filter(|it| it.has_tag_name("option"))
            {
                if let (Some(name), Some(value)) = (text(option, "name"), text(option, "value")) {
                    volume.options.insert(name, value);
                }
            }
            let bricks = child(it, "bricks");
            for brick in bricks
                .iter()
                .flat_map(|it| it.children())
                .filter(|it| it.has_tag_name("brick"))
                .take(ITEMS_MAX)
            {
                let Some(name) = text(brick, "name") else { continue };
                let found = volume.brick(&name);
                found.node = text(brick, "hostUuid");
                found.arbiter = whole(brick, "isArbiter") == Some(1);
            }
        }
        true
    }

    fn take_names(&mut self, body: Node<'_, '_>) -> bool {
        for name in children(body, "volume").filter_map(|it| it.text()).take(ITEMS_MAX) {
            self.volumes.entry(name.trim().to_owned()).or_default();
        }
        true
    }

    fn take_status(&mut self, body: Node<'_, '_>) -> bool {
        let Some(all) = child(body, "volumes") else { return false };
        self.has_status = true;
        for it in children(all, "volume").take(ITEMS_MAX) {
            let Some(name) = text(it, "volName") else { continue };
            let volume = self.volumes.entry(name).or_default();
            for node in children(it, "node").take(ITEMS_MAX) {
                // Daemons stand among the bricks, with the node's name for a path.
                let (Some(host), Some(path)) = (text(node, "hostname"), text(node, "path")) else {
                    continue;
                };
                if !path.starts_with('/') {
                    continue;
                }
                let brick = volume.brick(&format!("{host}:{path}"));
                brick.online = whole(node, "status").map(|it| it == 1);
                brick.node = text(node, "peerid").or(brick.node.take());
                brick.size = number(node, "sizeTotal");
                brick.free = number(node, "sizeFree");
                brick.inodes = number(node, "inodesTotal");
                brick.inodes_free = number(node, "inodesFree");
                brick.device = text(node, "device");
                brick.filesystem = text(node, "fsName");
            }
        }
        true
    }

    /// The summary counts; the plain list counts all entries together. An entry is counted on each of its bricks, so of
    /// the bricks that protect each other the one with the most counts.
    fn take_heal(&mut self, body: Node<'_, '_>, about: Option<&str>) -> bool {
        let Some(bricks) = child(body, "bricks") else { return false };
        let mut counts: Vec<(String, Option<f64>, Option<f64>)> = Vec::new();
        for brick in children(bricks, "brick").take(ITEMS_MAX) {
            let Some(name) = text(brick, "name") else { continue };
            // A brick that is away does not count its entries (its status says why); the others count theirs for it.
            let all =
                number(brick, "totalNumberOfEntries").or_else(|| number(brick, "numberOfEntries"));
            counts.push((name, all, number(brick, "numberOfEntriesInSplitBrain")));
        }
        let has = |it: &Volume| {
            it.bricks.iter().any(|it| counts.first().is_some_and(|first| first.0 == it.name))
        };
        let by_brick = || self.volumes.iter().find(|it| has(it.1)).map(|it| it.0.clone());
        let name = about
            .map(str::to_owned)
            .or_else(by_brick)
            .or_else(|| counts.first().map(|it| it.0.clone()));
        let Some(name) = name else { return true };
        let volume = self.volumes.entry(name).or_default();
        let group = if volume.heals() { volume.group() } else { counts.len().max(1) };
        let most = |it: &[BrickCount], pick: fn(&BrickCount) -> Option<f64>| {
            it.iter().filter_map(pick).reduce(f64::max)
        };
        let sum = |pick| counts.chunks(group).map(|it| most(it, pick)).sum::<Option<f64>>();
        volume.pending = sum(|it| it.1);
        volume.split_brain = sum(|it| it.2);
        true
    }

    fn take_quota(&mut self, body: Node<'_, '_>, about: Option<&str>) -> bool {
        // The answer does not say which volume it is about.
        let only = || self.volumes.keys().next().filter(|_| self.volumes.len() == 1).cloned();
        let name = about.map(str::to_owned).or_else(only).unwrap_or_else(|| "volume".to_owned());
        let volume = self.volumes.entry(name).or_default();
        volume.limits.clear();
        for it in children(body, "limit").take(ITEMS_MAX) {
            let (Some(path), Some(hard), Some(used)) =
                (text(it, "path"), number(it, "hard_limit"), number(it, "used_space"))
            else {
                continue;
            };
            volume.limits.push(Limit { path, hard, used });
        }
        true
    }

    fn take_profile(&mut self, body: Node<'_, '_>) -> bool {
        let Some(name) = text(body, "volname") else { return false };
        let volume = self.volumes.entry(name).or_default();
        for it in children(body, "brick").take(ITEMS_MAX) {
            let (Some(name), Some(stats)) = (text(it, "brickName"), child(it, "cumulativeStats"))
            else {
                continue;
            };
            let brick = volume.brick(&name);
            brick.read = number(stats, "totalRead");
            brick.written = number(stats, "totalWrite");
        }
        true
    }
}

impl Volume {
    fn brick(&mut self, name: &str) -> &mut Brick {
        let at = self.bricks.iter().position(|it| it.name == name).unwrap_or_else(|| {
            self.bricks.push(Brick { name: name.to_owned(), ..Brick::default() });
            self.bricks.len() - 1
        });
        &mut self.bricks[at]
    }

    pub(super) fn is_started(&self) -> bool {
        self.status.as_deref().is_none_or(|it| it == "Started")
    }

    /// What makes one state of the volume differ from another, without sizes that change from minute to minute.
    pub(super) fn print(&self) -> String {
        let bricks = self.bricks.iter().map(|it| format!("{}={:?}", it.name, it.online));
        let healing = self.pending.map(|it| it > 0.0);
        format!(
            "{:?} {healing:?} {:?} {}",
            self.status,
            self.split_brain,
            bricks.collect::<Vec<_>>().join(" ")
        )
    }

    /// Whether its bricks heal each other.
    pub(super) fn heals(&self) -> bool {
        self.replica > 1 || self.disperse > 1
    }

    /// Bricks that protect each other.
    pub(super) fn group(&self) -> usize {
        let group = self.replica.max(self.disperse).max(1);
        usize::try_from(group).unwrap_or(1)
    }
}
