//! Ties what fired to the raw output that it was read from. Deterministic: what is stored decides, not when one asks.

use xunjian_proto::{Component, ComponentId, Time};
use xunjian_rules::RuleSet;

use crate::{
    classify::Case,
    evaluate::Input,
    store::{AgentId, Store, StoreError},
};

/// Metrics of this source are about each source's own runs.
const SELF: &str = "source";

/// Outputs of one source that are looked into: a host has a handful.
const LOOKED_INTO: usize = 32;

/// Fills in the evidence of each of the case's inputs: of the output that held when it was read, the one whose name
/// speaks of the component, or the only one of the source, or the newest that names the component in its text; none
/// where there is none or it cannot be told which.
pub fn link(
    case: &mut Case,
    component: Option<&Component>,
    rules: &RuleSet,
    store: &Store,
) -> Result<(), StoreError> {
    let agent = AgentId(case.agent.clone());
    // The facts of a case rest on few sources and times; each is looked up once.
    let mut known: Vec<(String, Time, Option<String>)> = Vec::new();
    for fact in &mut case.facts {
        for input in &mut fact.inputs {
            let Some(source) = source(input, &fact.rule, &fact.component, rules) else { continue };
            let found = known.iter().find(|(it, at, _)| *it == source && *at == input.at);
            if let Some((_, _, id)) = found {
                input.evidence.clone_from(id);
                continue;
            }
            let kept = store.evidence_until(&agent, &source, input.at)?;
            let id = match choose(&kept, &fact.component, component) {
                Some(id) => Some(id.to_owned()),
                None => inside(&kept, &fact.component, component, store)?,
            };
            input.evidence.clone_from(&id);
            known.push((source, input.at, id));
        }
    }
    Ok(())
}

/// The source that an input was read by.
fn source(input: &Input, rule: &str, component: &ComponentId, rules: &RuleSet) -> Option<String> {
    let name = input.name.split(['{', ' ']).next().unwrap_or_default();
    let of_metric = rules.id(name).map(|it| rules.metric(it).source.as_str());
    let of_rule = || rules.rule(rule).map(|it| it.source.as_str());
    match of_metric.filter(|it| *it != SELF).or_else(of_rule) {
        Some(SELF) if component.kind() == SELF => Some(component.key().to_owned()),
        Some(SELF) | None => None,
        Some(source) => Some(source.to_owned()),
    }
}

/// Of (id, name), newest first.
fn choose<'a>(
    kept: &'a [(String, String)],
    id: &ComponentId,
    component: Option<&Component>,
) -> Option<&'a str> {
    let speaks = |name: &str, of: &[&str]| {
        let words: Vec<&str> = name.split_whitespace().collect();
        of.iter().all(|it| !it.is_empty() && words.contains(it))
    };
    let mut wanted: Vec<Vec<&str>> = Vec::new();
    let device = component.map(|it| format!("/dev/{}", it.name)).unwrap_or_default();
    if let Some(component) = component {
        let attr = |name: &str| component.attrs.get(name).map_or("", String::as_str);
        // `/dev/bus/0 -d megaraid,2`: the device alone would mean every drive behind the controller.
        wanted.extend(attr("hw.smart.path").split("; ").map(|it| it.split_whitespace().collect()));
        wanted.push(vec![attr("system.device")]);
        wanted.push(vec![&device]);
        wanted.push(vec![attr("hw.serial_number")]);
    }
    wanted.push(vec![id.key()]);
    let own = wanted
        .iter()
        .filter(|it| !it.is_empty())
        .find_map(|of| kept.iter().find(|(_, name)| speaks(name, of)).map(|(id, _)| id.as_str()));
    own.or(match kept {
        // An output that names a device is about that device and no other.
        [(id, name)] if !name.contains("/dev/") => Some(id),
        _ => None,
    })
}

/// Of (id, name), the first whose text has the component's serial number, else its key, else its name.
fn inside(
    kept: &[(String, String)],
    id: &ComponentId,
    component: Option<&Component>,
    store: &Store,
) -> Result<Option<String>, StoreError> {
    let mut texts = Vec::new();
    for (id, name) in kept.iter().take(LOOKED_INTO) {
        // An output that names a device is about that device and no other.
        if name.contains("/dev/") {
            continue;
        }
        if let Some(evidence) = store.evidence(id)? {
            texts.push((id, evidence.content));
        }
    }
    let named = component.map_or("", |it| it.name.as_str());
    let serial =
        component.and_then(|it| it.attrs.get("hw.serial_number")).map_or("", String::as_str);
    let words = [serial, id.key(), named];
    let found = words.iter().filter(|it| it.len() >= WORD_MIN).find_map(|word| {
        texts.iter().find(|(_, text)| has_word(text, word)).map(|(id, _)| (*id).clone())
    });
    Ok(found)
}

/// Shorter names stand in every text.
const WORD_MIN: usize = 2;

/// The word stands in the text, not as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let inner = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
    text.match_indices(word).any(|(at, _)| {
        !inner(text[..at].chars().next_back()) && !inner(text[at + word.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn drive(name: &str, path: &str) -> Component {
        Component {
            id: ComponentId::new("disk", "S1"),
            name: name.to_owned(),
            attrs: BTreeMap::from([("hw.smart.path".to_owned(), path.to_owned())]),
            links: Vec::new(),
            set: None,
        }
    }

    fn kept(names: &[&str]) -> Vec<(String, String)> {
        names.iter().enumerate().map(|(at, it)| (at.to_string(), (*it).to_owned())).collect()
    }

    #[test]
    fn a_drive_is_proved_by_its_own_output() {
        let kept = kept(&[
            "smartctl --json=c -d sat /dev/sdab",
            "smartctl --json=c -d megaraid,1 /dev/bus/0",
            "smartctl --json=c -d megaraid,12 /dev/bus/0",
            "smartctl --json=c -d sat /dev/sda",
        ]);
        let id = ComponentId::new("disk", "S1");
        let of = |drive: Component| choose(&kept, &id, Some(&drive)).map(str::to_owned);
        assert_eq!(of(drive("sda", "/dev/sda -d sat")).as_deref(), Some("3"));
        assert_eq!(of(drive("bus/0 megaraid,1", "/dev/bus/0 -d megaraid,1")).as_deref(), Some("1"));
        assert_eq!(of(drive("sdz", "/dev/sdz -d sat")), None);
    }

    #[test]
    fn a_name_inside_another_name_is_no_proof() {
        assert!(has_word("Slot 3: \"SN\" : \"WFJ03R2M\",", "WFJ03R2M"));
        assert!(has_word("pool: work\n state: ONLINE", "work"));
        assert!(!has_word("network, works", "work"));
        assert!(!has_word("", "work"));
    }

    #[test]
    fn the_only_output_proves_everything_unless_it_is_about_another_device() {
        let id = ComponentId::new("md", "u1");
        assert_eq!(choose(&kept(&["/proc/mdstat"]), &id, None), Some("0"));
        assert_eq!(choose(&kept(&["smartctl -d sat /dev/sdb"]), &id, None), None);
        assert_eq!(choose(&[], &id, None), None);
    }
}
