//! Saved outputs of the tools, as people mail them: which tool and which question gave a text is told from the text.
//!
//! Several files may answer one question (a table of units, one of ports): texts are joined, JSON is joined by
//! controllers.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use xunjian_proto::Time;

use super::{arcconf, areca, cciss, ircu, megacli, mpt, mvcli, ssacli, storcli, tw};
use crate::{
    host::Given,
    saved::{File, SavedHost},
};

pub(super) const WHAT: &[&str] = &[
    "output of `storcli64 /call show all J`, `… /call/eall/sall show all J` or `… /call/vall show all J` (also perccli64, \
     storcli2, perccli2), with `J` or without",
    "output of `MegaCli64 -AdpAllInfo -aAll`, `-LdPdInfo -aAll`, `-PDList -aAll` or `-AdpBbuCmd -GetBbuStatus -aAll`",
    "output of `ssacli ctrl all show config detail` (also hpssacli, hpacucli) or `cciss_vol_status -V DEVICE`",
    "output of `arcconf GETCONFIG 1 AL`",
    "output of `sas3ircu 0 DISPLAY` or `sas2ircu 0 DISPLAY`, of `mpt-status`, of `mvcli info -o vd`",
    "output of `cli64 disk info`, `rsf info`, `vsf info` or `hw info`; of `tw_cli show` or `tw_cli /c0 show all`",
];

/// The host that gives these answers.
pub(super) fn host(files: &[File], _made: Time) -> Result<SavedHost, String> {
    let mut answers: BTreeMap<Vec<&'static str>, String> = BTreeMap::new();
    for file in files {
        let Some(words) = question(&file.content) else {
            return Err(format!("{}: want {}", file.name, WHAT.join(", or ")));
        };
        answers
            .entry(words)
            .and_modify(|known| *known = joined(known, &file.content))
            .or_insert_with(|| file.content.clone());
    }
    let mut host = Given::default();
    for (words, answer) in answers {
        host.answer(&words, 0, answer);
    }
    Ok(SavedHost { host, at: None })
}

/// The words of the command line that a text answers; none if it is no tool's.
pub(super) fn question(text: &str) -> Option<Vec<&'static str>> {
    let with = |program, words: &[&'static str]| {
        let mut all = vec![program];
        all.extend(words);
        Some(all)
    };
    if storcli::is_answer(text) {
        return with("storcli64", storcli::command(text));
    }
    if areca::is_answer(text) {
        return with("cli64", areca::question(text));
    }
    if ircu::is_answer(text) {
        return with("sas3ircu", &["DISPLAY"]);
    }
    if mpt::is_answer(text) {
        return with("mpt-status", &[]);
    }
    if mvcli::is_answer(text) {
        return with("mvcli", &["info", mvcli::question(text)]);
    }
    if cciss::is_answer(text) {
        return with("cciss_vol_status", &["-V"]);
    }
    if ssacli::is_answer(text) {
        return with("ssacli", ssacli::ALL);
    }
    if arcconf::is_answer(text) {
        return with("arcconf", &["GETCONFIG"]);
    }
    if tw::is_answer(text) {
        return with("tw_cli", if tw::is_list(text) { &["show"] } else { &["/c0", "show", "all"] });
    }
    megacli::is_answer(text).then(|| with("MegaCli64", megacli::command(text))).flatten()
}

fn joined(known: &str, more: &str) -> String {
    let controllers = |text: &str| -> Option<Vec<Value>> {
        let json = storcli::json(text).ok()?;
        Some(json.get("Controllers")?.as_array()?.clone())
    };
    match (controllers(known), controllers(more)) {
        (Some(mut known), Some(more)) => {
            known.extend(more);
            json!({ "Controllers": known }).to_string()
        }
        _ => format!("{known}\n\n{more}"),
    }
}
