//! Asks one target: few questions, counted; pages followed; what could not be read is said.
//!
//! Facts: DSP0266 sections "Query parameters" (`$expand`), "Resource collections" (`Members@odata.nextLink`).
//! Invariants: no path is asked for twice, so that links in a circle end; no more questions than the budget; a target
//! that lets several questions hang is left alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use xunjian_proto::Reason;

use super::json::{self, kind, links, normal, path_of};
use crate::{
    host::{Host, HostError, Request},
    typed,
};

/// Longest wait for one answer.
const ANSWER: Duration = Duration::from_secs(20);

/// A target that did not answer so many questions in time is not asked further.
const TIMEOUTS_MAX: u32 = 3;

/// Pages of one collection; the longest known, a log, is read only in part anyway.
const PAGES_MAX: usize = 40;

/// Members of one collection: an array with all its shelves has below 2,000 drives.
const MEMBERS_MAX: usize = 4096;

/// Gaps that are named; the rest is counted.
const GAPS_MAX: usize = 40;

/// One target under questioning.
pub(super) struct Client<'a> {
    host: &'a dyn Host,
    source: &'a str,
    target: &'a str,
    /// Questions that may still be asked.
    left: u32,
    /// Questions asked.
    pub(super) asked: u32,
    /// `?$expand=…` if the service has said that it knows it and has not failed at it.
    expand: Option<&'static str>,
    seen: BTreeSet<String>,
    timeouts: u32,
    /// What could not be read, and why.
    pub(super) gaps: Vec<(Reason, String)>,
    /// Resources that were left out because the budget was used up.
    pub(super) left_out: u32,
    /// What was answered where something was not well: proof.
    pub(super) raw: BTreeMap<String, String>,
}

/// Most raw answers kept of one target.
const RAW_MAX: usize = 24;

impl<'a> Client<'a> {
    pub(super) fn new(
        host: &'a dyn Host,
        source: &'a str,
        target: &'a str,
        budget: u32,
    ) -> Client<'a> {
        Client {
            host,
            source,
            target,
            left: budget,
            asked: 0,
            expand: None,
            seen: BTreeSet::new(),
            timeouts: 0,
            gaps: Vec::new(),
            left_out: 0,
            raw: BTreeMap::new(),
        }
    }

    /// Takes over what the service root says it can do.
    pub(super) fn learn(&mut self, root: &Value) {
        let query = json::at(root, &["ProtocolFeaturesSupported", "ExpandQuery"]);
        let can =
            |key: &str| query.and_then(|it| it.get(key)).and_then(Value::as_bool) == Some(true);
        self.expand = match (can("Levels"), can("NoLinks"), can("ExpandAll")) {
            (true, true, _) => Some("?$expand=.($levels=1)"),
            (true, false, true) => Some("?$expand=*($levels=1)"),
            (false, true, _) => Some("?$expand=."),
            (false, false, true) => Some("?$expand=*"),
            (true, false, false) | (false, false, false) => None,
        };
    }

    /// Logs in, where the service keeps its sessions.
    pub(super) fn login(&mut self, sessions: &str) -> Result<(), HostError> {
        let ask =
            Request { source: self.source, target: self.target, path: sessions, limit: ANSWER };
        self.host.login(&ask)
    }

    /// Whether everything was read that the service offers.
    pub(super) fn is_complete(&self) -> bool {
        self.left_out == 0 && self.gaps.iter().all(|(reason, _)| *reason == Reason::Unsupported)
    }

    /// Why questions were left out.
    pub(super) fn why_not(&self) -> &'static str {
        match self.gave_up() {
            true => "the target does not answer in time",
            false => "the budget of this run is used up",
        }
    }

    /// Whether the target lets questions hang, so that no more are asked.
    pub(super) fn gave_up(&self) -> bool {
        self.timeouts >= TIMEOUTS_MAX
    }

    /// Asks for a resource, once. `Err` only if the target could not be asked at all.
    pub(super) fn first(&mut self, path: &str) -> Result<Option<Value>, HostError> {
        self.seen.insert(normal(path));
        match self.ask(path)? {
            (200, body) => Ok(self.parsed(path, body)),
            (status, _) => {
                self.gap(reason(status), format!("{path}: status {status}"));
                Ok(None)
            }
        }
    }

    /// A resource that was not read yet; none if it was, or cannot be.
    pub(super) fn fresh(&mut self, path: &str, with_parts: bool) -> Option<Value> {
        if !self.seen.insert(normal(path)) {
            return None;
        }
        self.resource(path, with_parts)
    }

    /// The members of a collection: each with all that the service gave along, or only its link. Pages are followed.
    pub(super) fn members(&mut self, path: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let mut page = self.fresh(path, true);
        for _ in 0..PAGES_MAX {
            let Some(now) = page.take() else { break };
            match now.get("Members") {
                Some(Value::Array(members)) => found.extend(members.iter().cloned()),
                // A resource where a collection was expected.
                None if kind(&now).is_some_and(|it| !it.ends_with("Collection")) => {
                    found.push(now);
                    break;
                }
                _ => self.gap(Reason::Unparsable, format!("{path}: a collection without Members")),
            }
            if found.len() > MEMBERS_MAX {
                let text = format!("{path}: more than {MEMBERS_MAX} members, the rest is left out");
                self.gap(Reason::Truncated, text);
                found.truncate(MEMBERS_MAX);
                break;
            }
            page = match next_link(&now) {
                None => None,
                Some(next) if self.seen.contains(&normal(&next)) => {
                    self.gap(Reason::Unparsable, format!("{path}: its pages lead in a circle"));
                    None
                }
                Some(next) => self.fresh(&next, false),
            };
        }
        if let Some(next) = page.as_ref().and_then(next_link) {
            self.gap(
                Reason::Truncated,
                format!("{path}: more than {PAGES_MAX} pages, from {next}"),
            );
        }
        found
    }

    /// What a link or an expanded member stands for; none if it was read before or cannot be.
    pub(super) fn resolve(&mut self, value: &Value, with_parts: bool) -> Option<Value> {
        let Some(path) = path_of(value) else {
            // Some older services embed parts without an address.
            let embedded = value.as_object().is_some_and(|it| it.len() > 1);
            return embedded.then(|| value.clone());
        };
        if is_whole(value) {
            return self.seen.insert(path).then(|| value.clone());
        }
        self.fresh(&path, with_parts)
    }

    /// Notes what could not be read.
    pub(super) fn gap(&mut self, reason: Reason, text: String) {
        if self.gaps.len() < GAPS_MAX {
            self.gaps.push((reason, text));
        } else if self.gaps.len() == GAPS_MAX {
            self.gaps.push((Reason::Truncated, "further gaps are not named".to_owned()));
        }
    }

    /// Keeps a resource as proof.
    pub(super) fn keep(&mut self, path: &str, resource: &Value) {
        if self.raw.len() < RAW_MAX {
            self.raw.entry(path.to_owned()).or_insert_with(|| resource.to_string());
        }
    }

    fn resource(&mut self, path: &str, with_parts: bool) -> Option<Value> {
        if let Some(expand) = self.expand.filter(|_| with_parts && !path.contains('?')) {
            match self.ask(&format!("{path}{expand}")) {
                Ok((200, body)) => return self.parsed(path, body),
                // It does not know it after all: asked without, from now on.
                Ok((400 | 404 | 405 | 500 | 501, _)) => self.expand = None,
                Ok((status, _)) => {
                    self.gap(reason(status), format!("{path}: status {status}"));
                    return None;
                }
                // Too much at once: asked without, this time.
                Err(error) if error.reason() == Reason::Truncated && self.left > 0 => {}
                Err(error) => return self.failed(path, &error),
            }
        }
        match self.ask(path) {
            Ok((200, body)) => self.parsed(path, body),
            Ok((status, _)) => {
                self.gap(reason(status), format!("{path}: status {status}"));
                None
            }
            Err(error) => self.failed(path, &error),
        }
    }

    fn failed(&mut self, path: &str, error: &HostError) -> Option<Value> {
        if !self.gave_up() && self.left > 0 || error.reason() != Reason::Truncated {
            self.gap(error.reason(), format!("{path}: {}", crate::runner::chain(error)));
        }
        None
    }

    fn parsed(&mut self, path: &str, body: String) -> Option<Value> {
        match serde_json::from_str::<Value>(&body) {
            Ok(value) if value.get("error").is_some() && path_of(&value).is_none() => {
                self.refused(path, &value);
                None
            }
            Ok(mut value) if value.as_object().is_some_and(|it| !it.is_empty()) => {
                if let Some(said) = typed::only_names(&mut value, json::NAMES) {
                    let text = format!("{path} not understood: {said:?}");
                    self.gap(Reason::Unparsable, text);
                }
                Some(value)
            }
            Ok(value) if value.is_object() => {
                let text = format!("{path}: no resource: {}", json::short(&value));
                self.gap(Reason::Unparsable, text);
                None
            }
            Ok(value) => {
                let text = format!("{path}: want an object, found {}", json::short(&value));
                self.gap(Reason::Unparsable, text);
                None
            }
            Err(error) => {
                let start: String = body.chars().take(60).collect();
                self.gap(Reason::Unparsable, format!("{path}: no JSON: {error} in {start:?}"));
                None
            }
        }
    }

    /// Some services say by a body what they should say by a status.
    fn refused(&mut self, path: &str, value: &Value) {
        let info = json::at(value, &["error", "@Message.ExtendedInfo"]).and_then(|it| it.get(0));
        let text = |key: &str| info.and_then(|it| json::text(it, key)).unwrap_or_default();
        let code = json::at(value, &["error", "code"]).and_then(Value::as_str).unwrap_or_default();
        let missing = [text("MessageId"), code].iter().any(|it| it.contains("Missing"));
        let reason = if missing { Reason::Unsupported } else { Reason::ToolFailed };
        let message: String = text("Message").chars().take(200).collect();
        self.gap(reason, format!("{path}: the service answers with an error: {code} {message}"));
    }

    /// One question. Without budget or after too much silence none is asked.
    fn ask(&mut self, path: &str) -> Result<(u16, String), HostError> {
        if self.left == 0 || self.gave_up() {
            self.left_out += 1;
            let source = std::io::Error::new(std::io::ErrorKind::FileTooLarge, "no more questions");
            let question = format!("GET {path}");
            return Err(HostError::Remote { target: self.target.to_owned(), question, source });
        }
        self.left -= 1;
        self.asked += 1;
        let ask = Request { source: self.source, target: self.target, path, limit: ANSWER };
        match self.host.get(&ask) {
            Ok(reply) => Ok((reply.status, reply.body)),
            Err(error) => {
                self.timeouts += u32::from(error.reason() == Reason::TimedOut);
                Err(error)
            }
        }
    }
}

/// Whether a member came along whole, not only as its link.
fn is_whole(value: &Value) -> bool {
    let plain = |key: &String| !key.starts_with("@odata.") && !key.contains("@Redfish.");
    value.as_object().is_some_and(|it| it.keys().filter(|key| plain(key)).count() >= 2)
}

pub(super) fn next_link(page: &Value) -> Option<String> {
    let next = ["Members@odata.nextLink", "@odata.nextLink"].iter().find_map(|it| page.get(it))?;
    // Written as a text by the specification, as a link by some services.
    let text = next.as_str().map(str::to_owned).or_else(|| path_of(next))?;
    let path = match text.split_once("://") {
        Some((_, rest)) => rest.find('/').map(|it| rest[it..].to_owned())?,
        None => text,
    };
    path.starts_with('/').then_some(path)
}

fn reason(status: u16) -> Reason {
    match status {
        401 | 403 => Reason::PermissionDenied,
        404 | 405 | 410 | 501 => Reason::Unsupported,
        _ => Reason::ToolFailed,
    }
}

/// All links of a property, be it one, many or a collection's.
pub(super) fn targets_of(resource: &Value, key: &str) -> Vec<String> {
    match resource.get(key) {
        Some(Value::Array(_)) => links(resource, key),
        Some(one) => path_of(one).into_iter().collect(),
        None => Vec::new(),
    }
}
