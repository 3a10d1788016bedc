//! `check`: the configuration, all mistakes at once.

use std::path::PathBuf;

use clap::Args;

use super::{Console, EXIT_OK, Lang, load_config};
use crate::{config::CONFIG_PATH, sources};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Configuration file; by default /etc/xunjian/agent.toml, if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Language; by default as LC_ALL, LC_MESSAGES or LANG says
    #[arg(long, value_enum)]
    lang: Option<Lang>,
}

impl Check {
    pub(super) fn run(self, console: &mut Console<'_>) -> anyhow::Result<u8> {
        let config = load_config(self.config.as_deref())?;
        let lang = self.lang.unwrap_or(console.lang);
        let place = self.config.unwrap_or_else(|| CONFIG_PATH.into());
        let what = match place.exists() {
            true => lang.pick("：配置正确", " is good:"),
            false => lang.pick("：文件不存在，使用默认配置", " is not there; the defaults are:"),
        };
        writeln!(console.out, "{}{what}", place.display())?;
        let none = lang.pick(
            "无（请先登记，或设置 `collector.address`）",
            "none (enrol, or set `collector.address`)",
        );
        let collector = config.collector.as_deref().unwrap_or(none);
        writeln!(console.out, "  {}  {collector}", lang.pick("采集服务器", "collector "))?;
        let folder = config.folder.display();
        writeln!(console.out, "  {}  {folder}", lang.pick("数据目录  ", "folder    "))?;
        for source in sources::ALL {
            let section = config.source(source);
            let every = lang.time(section.every);
            let every = match (section.enabled, lang) {
                (true, Lang::Zh) => format!("每 {every}一次"),
                (true, Lang::En) => format!("every {every}"),
                (false, _) => lang.pick("已关闭", "off").to_owned(),
            };
            writeln!(console.out, "  {:10}  {every}", source.name)?;
        }
        Ok(EXIT_OK)
    }
}
