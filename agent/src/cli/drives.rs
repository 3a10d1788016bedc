//! `drives`: the version of the table of drives, and how it understands models.

use clap::Args;

use super::{Console, EXIT_NOTHING, EXIT_OK, Lang};
use crate::drives::{Family, Form, Kind, family, table};

/// Arguments of `drives`.
#[derive(Debug, Args)]
pub(super) struct Drives {
    /// Models as drives name themselves: `ST4000DM000-1F2168`; the whole table without one
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    /// Language; by default as LC_ALL, LC_MESSAGES or LANG says
    #[arg(long, value_enum)]
    lang: Option<Lang>,
}

impl Drives {
    pub(super) fn run(self, console: &mut Console<'_>) -> anyhow::Result<u8> {
        let zh = self.lang.unwrap_or(console.lang) == Lang::Zh;
        let label = if zh { "磁盘解码表" } else { "table of drives" };
        writeln!(console.out, "{label} {}", table().version)?;
        if self.models.is_empty() {
            for family in &table().families {
                writeln!(console.out, "{}", line(family, zh))?;
                writeln!(console.out, "    {}", family.models.join("  "))?;
            }
            return Ok(EXIT_OK);
        }
        let mut unknown = false;
        for model in &self.models {
            let found = family(model);
            unknown |= found.is_none();
            let text = match (found, zh) {
                (Some(family), _) => line(family, zh),
                (None, true) => "不在表中：按标准解读，预测类结论仅作四级隐患".to_owned(),
                (None, false) => {
                    "not in the table: read by the standard, predictions are latent faults at most"
                        .to_owned()
                }
            };
            writeln!(console.out, "{model}: {text}")?;
        }
        Ok(if unknown { EXIT_NOTHING } else { EXIT_OK })
    }
}

/// Name, kind, what is packed and what tells wear.
fn line(family: &Family, zh: bool) -> String {
    let kind = match (family.kind, zh) {
        (Kind::Hdd, true) => "机械盘",
        (Kind::Hdd, false) => "hard disk",
        (Kind::Ssd, true) => "固态盘",
        (Kind::Ssd, false) => "flash",
    };
    let packed: Vec<String> =
        family.packed.iter().map(|it| format!("{} {}", it.id, form(it.form, zh))).collect();
    let wear: Vec<String> = family.wear.iter().map(|it| it.id.to_string()).collect();
    let mut text = format!("{} ({kind}, {})", family.name, family.maker);
    if !packed.is_empty() {
        text.push_str(&format!("; {}: {}", if zh { "编码" } else { "packed" }, packed.join(", ")));
    }
    if !wear.is_empty() {
        text.push_str(&format!("; {}: {}", if zh { "寿命属性" } else { "wear" }, wear.join(", ")));
    }
    text
}

fn form(form: Form, zh: bool) -> &'static str {
    match (form, zh) {
        (Form::Low8, true) => "低 8 位",
        (Form::Low8, false) => "low 8 bits",
        (Form::Low16, true) => "低 16 位",
        (Form::Low16, false) => "low 16 bits",
        (Form::Low24, true) => "低 24 位",
        (Form::Low24, false) => "low 24 bits",
        (Form::Low32, true) => "低 32 位",
        (Form::Low32, false) => "low 32 bits",
        (Form::High16, true) => "高 16 位为错误数",
        (Form::High16, false) => "errors in the high 16 bits",
        (Form::Rate, true) => "厂商自定的比率，不是计数",
        (Form::Signed16, true) => "16 位有符号数，低于零记为 1",
        (Form::Signed16, false) => "16 bits with a sign, 1 if below zero",
        (Form::Rate, false) => "a rate of the maker's own, no count",
    }
}
