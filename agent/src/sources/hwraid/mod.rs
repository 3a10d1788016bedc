//! Hardware RAID controllers, asked through their makers' tools: logical drives with their members, physical drives,
//! cache batteries, enclosures, and what the controllers say of themselves.
//!
//! One file a family of tools; all fill the same `model`, which `emit` hands over. Invariants: of several tools for one
//! family only one is asked, and none whose controllers the kernel does not drive; each question is asked once for all
//! controllers where the tool allows it; nothing is ever changed, and no tool writes its log.

use std::time::Duration;

use xunjian_proto::Reason;

use crate::{
    saved::Saved,
    source::{Collect, Need, Source, SourceError, Words, no_options},
};

mod metrics;

mod model;

mod state;

mod text;

mod sets;

mod osdisk;

mod emit;

mod parts;

mod ask;

mod bare;

mod saved;

mod tools;

mod unread;

mod storcli;

mod megacli;

mod ssacli;

mod cciss;

mod arcconf;

mod ircu;

mod mpt;

mod areca;

mod tw;

mod mvcli;

/// See the module.
pub const SOURCE: Source = Source {
    name: "hwraid",
    title: Words { zh: "硬件 RAID", en: "hardware RAID" },
    about: Words {
        zh: "RAID 卡：逻辑盘、物理盘、缓存电池、巡读与重建；缺少厂商工具的 RAID 卡",
        en: "RAID controllers: logical and physical drives, cache batteries, patrol reads and rebuilds; controllers \
             without their maker's tool",
    },
    needs: &[Need::Any(tools::NEEDS)],
    programs: tools::PROGRAMS,
    runs: tools::RUNS,
    harmless: Words {
        zh: "只执行厂商工具的查询命令，每 10 分钟一轮，一次一条；同类控制器即使装有多个工具也只用一个，内核未驱动的控制器不查询，\
             并关闭工具自身的日志，不写入任何文件。",
        en: "Only asks the makers' tools to show what there is, one question after the other, every 10 minutes. Of several \
             tools for one family only one is used, none for controllers that the kernel does not drive, and the tools' \
             own logs are switched off, so that nothing is written.",
    },
    every: Duration::from_secs(10 * 60),
    deadline: Duration::from_secs(5 * 60),
    metrics: metrics::METRICS,
    states: metrics::STATES,
    events: &[],
    saved: Saved::Own { what: saved::WHAT, host: saved::host },
    check: no_options,
    collect,
};

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let mut asked = ask::all(c.host);
    let nothing = asked.cards.is_empty();
    // Tools without their hardware are no fault; tools that fail are.
    let failed = asked.failures.iter().find(|it| it.0 != Reason::Missing).cloned();
    for (reason, text) in &asked.failures {
        c.problem(*reason, None, text);
    }
    if nothing && let Some((_, why)) = failed {
        return Err(SourceError::Parse { what: "the RAID tools' answers".to_owned(), why });
    }
    if !nothing && c.changed(&emit::lasting(&asked.cards)) {
        for (command, answer) in &asked.answers {
            c.evidence(command.clone(), answer);
        }
    }
    let partial = asked.failures.iter().any(|it| it.0 != Reason::Missing);
    asked.cards.iter_mut().for_each(|it| it.1.partial = partial);
    bare::tell(c, &asked.cards);
    emit::all(c, asked.cards);
    Ok(())
}
