//! Which tools are asked, and in which order.
//!
//! A group is a kind of hardware: its kernel drivers, and its tools by preference. The first tool that knows a
//! controller speaks for the group. Facts about harm: MegaCli is known to make controllers of the SAS39xx generation
//! fault; it is not started where one is.

use xunjian_proto::Reason;

use super::{arcconf, areca, cciss, ircu, megacli, model::Card, mpt, mvcli, ssacli, storcli, tw};
use crate::{devices::word, host::Host, source::Need};

/// What the tools told.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Controllers, with the tool that told of them.
    pub(super) cards: Vec<(&'static str, Card)>,
    /// Command lines and their answers.
    pub(super) answers: Vec<(String, String)>,
    /// Tools that told nothing, and why.
    pub(super) failures: Vec<(Reason, String)>,
}

/// A kind of hardware.
struct Group {
    /// Kernel drivers; empty: the kernel shows it as something else.
    drivers: &'static [&'static str],
    /// Tools by preference.
    tools: &'static [(&'static str, Reader)],
}

/// Asks a tool of this name about everything.
type Reader = fn(&mut Tool<'_>);

const GROUPS: &[Group] = &[
    Group {
        drivers: &["megaraid_sas", "megaraid_mbox", "mpt2sas", "mpt3sas"],
        tools: &[("perccli64", megaraid), ("storcli64", megaraid), ("MegaCli64", old_megaraid)],
    },
    Group { drivers: &["mpi3mr"], tools: &[("perccli2", megaraid), ("storcli2", megaraid)] },
    Group {
        drivers: &["hpsa", "cciss", "smartpqi"],
        tools: &[("ssacli", smart_array), ("cciss_vol_status", old_smart_array)],
    },
    Group { drivers: &["aacraid", "smartpqi", "ips"], tools: &[("arcconf", adaptec)] },
    Group { drivers: &["mpt3sas", "mpt2sas"], tools: &[("sas3ircu", integrated)] },
    Group { drivers: &["mpt2sas", "mpt3sas"], tools: &[("sas2ircu", integrated)] },
    Group {
        drivers: &["mptspi", "mptsas", "mptfc", "ioc0"],
        tools: &[("mpt-status", old_integrated)],
    },
    Group { drivers: &["arcmsr"], tools: &[("cli64", areca_cards)] },
    Group { drivers: &["3w-9xxx", "3w-sas", "3w-xxxx"], tools: &[("tw_cli", three_ware)] },
    Group { drivers: &[], tools: &[("mvcli", marvell)] },
];

/// Most controllers of one tool that are asked one by one.
const CONTROLLERS_MAX: u32 = 16;

/// A tool that is being asked.
struct Tool<'a> {
    host: &'a dyn Host,
    name: &'static str,
    cards: Vec<Card>,
    answers: Vec<(String, String)>,
    failures: Vec<(Reason, String)>,
    /// Some answer was cut.
    cut: bool,
}

/// Asks all tools that are installed and whose hardware is there.
pub(super) fn all(host: &dyn Host) -> Asked {
    let drivers = drivers(host);
    let mut asked = Asked::default();
    for group in GROUPS {
        let there = group.drivers.is_empty()
            || drivers
                .as_ref()
                .is_none_or(|found| found.iter().any(|it| group.drivers.contains(&it.as_str())));
        let installed: Vec<_> =
            group.tools.iter().filter(|it| host.has(Need::Program(it.0))).collect();
        if !there {
            for (name, _) in installed {
                let text =
                    format!("{name} was not started: the kernel drives no controller of its kind");
                asked.failures.push((Reason::Missing, text));
            }
            continue;
        }
        for (name, reader) in installed {
            if told_already(&asked, name) {
                continue;
            }
            let (cards, answers, failures) = (Vec::new(), Vec::new(), Vec::new());
            let mut tool = Tool { host, name, cards, answers, failures, cut: false };
            reader(&mut tool);
            tool.cards.iter_mut().for_each(Card::adopt_lost);
            tool.cards.iter_mut().for_each(|it| it.cut = tool.cut);
            let known: Vec<String> =
                asked.cards.iter().filter_map(|it| it.1.serial.clone()).collect();
            let new = |it: &Card| it.serial.as_ref().is_none_or(|serial| !known.contains(serial));
            let cards: Vec<Card> = tool.cards.into_iter().filter(new).collect();
            let done = !cards.is_empty();
            if done {
                // Of several questions some need not have an answer: no enclosure, no volume, a mailed part.
                tool.failures.retain(|it| it.0 != Reason::Missing);
            }
            asked.answers.append(&mut tool.answers);
            asked.failures.append(&mut tool.failures);
            asked.cards.extend(cards.into_iter().map(|it| (*name, it)));
            if done {
                break;
            }
        }
    }
    asked
}

/// Whether two tools are for the same kind of hardware.
pub(super) fn same_hardware(one: &str, other: &str) -> bool {
    let has = |group: &Group, name: &str| group.tools.iter().any(|it| it.0 == name);
    GROUPS.iter().any(|it| has(it, one) && has(it, other))
}

/// The HBAs with integrated RAID are seen by storcli too.
fn told_already(asked: &Asked, name: &str) -> bool {
    let mpt = |it: &Card| it.attrs.get("hw.driver").is_some_and(|driver| driver.starts_with("mpt"));
    name.ends_with("ircu") && asked.cards.iter().any(|it| mpt(&it.1))
}

/// Names of the drivers of all SCSI hosts. None where that cannot be read.
fn drivers(host: &dyn Host) -> Option<Vec<String>> {
    let hosts = host.list("sys/class/scsi_host").ok()?;
    let name = |it: String| word(host, &format!("sys/class/scsi_host/{it}/proc_name"));
    let found: Vec<String> = hosts.into_iter().filter_map(name).collect();
    // A name that cannot be read could be any.
    (!found.is_empty()).then_some(found)
}

impl Tool<'_> {
    /// Runs the tool. An answer with a bad exit status is an answer all the same: these tools end with one wherever
    /// one of several controllers lacks what was asked.
    fn ask(&mut self, words: &[&str]) -> Option<String> {
        let mut argv = vec![self.name];
        argv.extend(words);
        let before = self.host.kept_back();
        match self.host.run(&argv) {
            Ok(output) => {
                self.cut |= output.truncated || self.host.kept_back() > before;
                if output.truncated {
                    self.failures.push((
                        Reason::Truncated,
                        format!("the answer to `{}` is too long", argv.join(" ")),
                    ));
                }
                if output.stdout.trim().is_empty() {
                    let said = output.stderr.lines().next().unwrap_or_default().trim().to_owned();
                    let text = format!(
                        "`{}` says nothing (status {}): {said}",
                        argv.join(" "),
                        output.status
                    );
                    self.failures.push((Reason::ToolFailed, text));
                    return None;
                }
                self.answers.push((argv.join(" "), output.stdout.clone()));
                Some(output.stdout)
            }
            Err(error) => {
                self.failures.push((error.reason(), format!("{}: {error}", self.name)));
                None
            }
        }
    }

    /// Notes what an answer lacked.
    fn judge(&mut self, words: &[&str], result: Result<(), (Reason, String)>) {
        if let Err((reason, why)) = result {
            self.failures.push((reason, format!("`{} {}`: {why}", self.name, words.join(" "))));
        }
    }
}

fn megaraid(tool: &mut Tool<'_>) {
    read_storcli(tool, storcli::ALL);
    let answered = !tool.answers.is_empty();
    if answered && tool.cards.is_empty() && tool.failures.iter().any(|it| it.0 == Reason::Missing) {
        return; // no controller
    }
    let has = |it: &dyn Fn(&Card) -> bool, tool: &Tool<'_>| {
        tool.cards.is_empty() || tool.cards.iter().any(it)
    };
    let in_enclosure =
        |it: &Card| it.drives.is_empty() || it.drives.iter().any(|it| !it.key.starts_with(':'));
    if has(&in_enclosure, tool) {
        read_storcli(tool, storcli::DRIVES);
    }
    if !tool.name.ends_with('2')
        && tool.cards.iter().any(|it| it.drives.iter().any(|it| it.key.starts_with(':')))
    {
        read_storcli(tool, storcli::LONE_DRIVES);
    }
    if has(&|it: &Card| !it.volumes.is_empty(), tool) {
        read_storcli(tool, storcli::VOLUMES);
    }
    let rebuilds = |it: &Card| {
        let at = |state| it.drives.iter().any(|drive| drive.state == state);
        at(super::model::DriveState::Rebuilding)
    };
    if tool.cards.iter().any(rebuilds) {
        read_storcli(tool, storcli::REBUILDS);
    }
}

fn read_storcli(tool: &mut Tool<'_>, words: &[&str]) {
    if let Some(answer) = tool.ask(words) {
        let what = format!("`{} {}`", tool.name, words.join(" "));
        let result = storcli::read(tool.host, &what, &answer, &mut tool.cards);
        tool.judge(words, result);
    }
}

fn old_megaraid(tool: &mut Tool<'_>) {
    if let Some(device) = faults_under_megacli(tool.host) {
        let text = format!(
            "MegaCli64 was not started: it is known to make controllers like the one here (PCI 1000:{device}) fault; \
             install storcli64 or perccli64"
        );
        return tool.failures.push((Reason::Unsupported, text));
    }
    for words in [megacli::CONTROLLERS, megacli::VOLUMES, megacli::DRIVES, megacli::BATTERIES] {
        if let Some(answer) = tool.ask(words) {
            let result = megacli::read(&answer, &mut tool.cards);
            tool.judge(words, result);
        }
    }
    tool.cards.iter_mut().for_each(megacli::finish);
}

/// PCI device number of a controller whose firmware does not stand MegaCli.
fn faults_under_megacli(host: &dyn Host) -> Option<String> {
    const NEW: [&str; 8] = ["10e0", "10e1", "10e2", "10e3", "10e4", "10e5", "10e6", "10e7"];
    for device in host.list("sys/bus/pci/devices").unwrap_or_default() {
        let id = |file: &str| {
            let text = word(host, &format!("sys/bus/pci/devices/{device}/{file}"))?;
            Some(text.trim_start_matches("0x").to_lowercase())
        };
        if id("vendor").as_deref() == Some("1000")
            && let Some(number) = id("device").filter(|it| NEW.contains(&it.as_str()))
        {
            return Some(number);
        }
    }
    None
}

fn smart_array(tool: &mut Tool<'_>) {
    if let Some(answer) = tool.ask(ssacli::ALL) {
        let result = ssacli::read(&answer, &mut tool.cards);
        tool.judge(ssacli::ALL, result);
    }
}

fn old_smart_array(tool: &mut Tool<'_>) {
    let mut devices: Vec<String> = Vec::new();
    for name in tool.host.list("sys/class/scsi_generic").unwrap_or_default() {
        // Type 12: a RAID controller.
        let kind = word(tool.host, &format!("sys/class/scsi_generic/{name}/device/type"));
        if kind.as_deref() == Some("12") {
            devices.push(format!("/dev/{name}"));
        }
    }
    if devices.is_empty() {
        devices.push("/dev/sg0".to_owned());
    }
    for device in devices.iter().take(CONTROLLERS_MAX as usize) {
        let words = ["-V", device];
        if let Some(answer) = tool.ask(&words) {
            let result = cciss::read(&answer, device.trim_start_matches("/dev/"), &mut tool.cards);
            tool.judge(&words, result);
        }
    }
}

fn adaptec(tool: &mut Tool<'_>) {
    let mut count = 1;
    let mut index = 1;
    while index <= count {
        let number = index.to_string();
        let words = ["GETCONFIG", &number, "AL", "nologs"];
        if let Some(answer) = tool.ask(&words) {
            count = arcconf::controllers(&answer).unwrap_or(1).min(CONTROLLERS_MAX);
            let result = arcconf::read(&answer, &number, &mut tool.cards);
            tool.judge(&words, result);
        }
        let rebuilds = |it: &Card| {
            it.volumes.iter().any(|it| it.state == super::model::VolumeState::Rebuilding)
        };
        if tool.cards.iter().any(|it| it.index == number && rebuilds(it)) {
            let words = ["GETSTATUS", &number, "nologs"];
            if let Some(answer) = tool.ask(&words) {
                let result = arcconf::read(&answer, &number, &mut tool.cards);
                tool.judge(&words, result);
            }
        }
        index += 1;
    }
}

fn integrated(tool: &mut Tool<'_>) {
    let list = tool.ask(&["LIST"]);
    let mut numbers = list.as_deref().map(ircu::controllers).unwrap_or_default();
    if list.is_none() {
        numbers = vec!["0".to_owned()];
    } else if numbers.is_empty() {
        let reason = if list.as_deref().is_some_and(ircu::is_answer) {
            Reason::Missing
        } else {
            Reason::Unparsable
        };
        tool.failures.push((reason, format!("{} LIST names no controller", tool.name)));
    }
    for number in numbers {
        let words = [number.as_str(), "DISPLAY"];
        if let Some(answer) = tool.ask(&words) {
            let result = ircu::read(&answer, &number, &mut tool.cards);
            tool.judge(&words, result);
        }
    }
}

fn old_integrated(tool: &mut Tool<'_>) {
    if let Some(answer) = tool.ask(&[]) {
        let result = mpt::read(&answer, &mut tool.cards);
        tool.judge(&[], result);
    }
}

fn areca_cards(tool: &mut Tool<'_>) {
    for words in areca::QUESTIONS {
        if let Some(answer) = tool.ask(words) {
            let result = areca::read(&answer, &mut tool.cards);
            tool.judge(words, result);
        }
    }
}

fn three_ware(tool: &mut Tool<'_>) {
    let list = tool.ask(&["show"]);
    let mut numbers = list.as_deref().map(tw::controllers).unwrap_or_default();
    if let Some(list) = &list {
        let result = tw::read(list, "0", &mut tool.cards);
        tool.judge(&["show"], result);
    } else {
        numbers = vec!["0".to_owned()];
    }
    for number in numbers {
        let place = format!("/c{number}");
        if let Some(answer) = tool.ask(&[&place, "show", "all"]) {
            let result = tw::read(&answer, &number, &mut tool.cards);
            tool.judge(&[&place, "show", "all"], result);
        }
    }
    for place in list.as_deref().map(tw::enclosures).unwrap_or_default() {
        if let Some(answer) = tool.ask(&[&place, "show", "all"]) {
            let result = tw::read(&answer, "0", &mut tool.cards);
            tool.judge(&[&place, "show", "all"], result);
        }
    }
}

fn marvell(tool: &mut Tool<'_>) {
    for kind in mvcli::QUESTIONS {
        let words = ["info", "-o", kind];
        if let Some(answer) = tool.ask(&words) {
            let result = mvcli::read(&answer, &mut tool.cards);
            tool.judge(&words, result);
        }
    }
}
