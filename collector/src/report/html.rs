//! The report as one HTML file: no script, nothing loaded, prints well. All text goes through [`escape`].

use std::fmt::Write;

use xunjian_rules::Lang;

use crate::report::model::{Block, Cell, Danger, Report, Statement, Table, Tile, Tone};

/// The report as a self-contained page.
pub fn html(report: &Report) -> String {
    let lang = match report.lang {
        Lang::Zh => "zh-CN",
        Lang::En => "en",
    };
    let mut out = String::with_capacity(64 << 10);
    let title = escape(&format!("{} {}", report.cover.customer, report.cover.title));
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n",
        include_str!("report.css")
    );
    cover(&mut out, report);
    contents(&mut out, report);
    for section in &report.sections {
        let _ = writeln!(out, "<section id=\"{}\">", escape(&section.id));
        let _ = writeln!(out, "<h2>{}</h2>", escape(&section.heading));
        for it in &section.blocks {
            block(&mut out, report, it);
        }
        if section.id == "appendix" {
            evidence(&mut out, report);
        }
        out.push_str("</section>\n");
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Text made safe for HTML and SVG, elements and attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(char),
        }
    }
    out
}

fn cover(out: &mut String, report: &Report) {
    let cover = &report.cover;
    let _ = write!(
        out,
        "<header class=\"cover\">\n<p class=\"customer\">{}</p>\n<h1>{}</h1>\n<p class=\"mark\">{}</p>\n<dl>\n",
        escape(&cover.customer),
        escape(&cover.title),
        escape(&cover.mark)
    );
    for (label, value) in &cover.facts {
        let _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", escape(label), escape(value));
    }
    out.push_str("</dl>\n<div class=\"signatures\">\n");
    for who in &cover.signatures {
        let _ = writeln!(out, "<div>{}</div>", escape(who));
    }
    let _ =
        write!(out, "</div>\n<p class=\"provider\">{}</p>\n</header>\n", escape(&cover.provider));
}

fn contents(out: &mut String, report: &Report) {
    let title = report.cover.labels.get("contents").map_or("", String::as_str);
    let _ = write!(out, "<nav><h2>{}</h2><ol>", escape(title));
    for section in &report.sections {
        let _ = write!(
            out,
            "<li><a href=\"#{}\">{}</a></li>",
            escape(&section.id),
            escape(&section.heading)
        );
    }
    out.push_str("</ol></nav>\n");
}

fn block(out: &mut String, report: &Report, it: &Block) {
    let join = if report.lang == Lang::Zh { "" } else { " " };
    match it {
        Block::Heading { text } => {
            let _ = writeln!(out, "<h3>{}</h3>", escape(text));
        }
        Block::Text { text } => {
            let _ = writeln!(out, "<p class=\"soft\">{}</p>", escape(text));
        }
        Block::Para { items } => {
            let text: Vec<String> = items.iter().map(say).collect();
            let _ = writeln!(out, "<p>{}</p>", text.join(join));
        }
        Block::List { items, numbered } => {
            let tag = if *numbered { "ol" } else { "ul" };
            let items: String = items.iter().map(|it| format!("<li>{}</li>", say(it))).collect();
            let _ = writeln!(out, "<{tag}>{items}</{tag}>");
        }
        Block::Callout { tone, title, items } => {
            let items: String = items.iter().map(|it| format!("<p>{}</p>", say(it))).collect();
            let _ = writeln!(
                out,
                "<div class=\"callout {}\"><strong>{}</strong>{items}</div>",
                class(*tone),
                escape(title)
            );
        }
        Block::Tiles { tiles } => {
            let tiles: String = tiles.iter().map(tile).collect();
            let _ = writeln!(out, "<div class=\"tiles\">{tiles}</div>");
        }
        Block::Table(it) => table(out, it),
        Block::Chart { id, caption, refs } => {
            // Charts are the report's own SVG, made with escaped text.
            let svg = report.charts.get(id).map_or("", String::as_str);
            let _ = writeln!(
                out,
                "<figure><figcaption>{}{}</figcaption>{svg}</figure>",
                escape(caption),
                numbers(refs)
            );
        }
        Block::Danger(it) => danger(out, it, join),
    }
}

fn say(it: &Statement) -> String {
    format!("{}{}", escape(&it.text), numbers(&it.refs))
}

/// Links to the entries of the evidence index.
fn numbers(refs: &[u32]) -> String {
    const MOST: usize = 8;
    if refs.is_empty() {
        return String::new();
    }
    let links: Vec<String> =
        refs.iter().take(MOST).map(|n| format!("<a href=\"#ev-{n}\">{n}</a>")).collect();
    let more = if refs.len() > MOST { " …" } else { "" };
    format!("<sup class=\"refs\">[{}{more}]</sup>", links.join(","))
}

fn tile(it: &Tile) -> String {
    format!(
        "<div class=\"tile {}\"><span>{}{}</span><b>{}</b><small>{}</small></div>",
        class(it.tone),
        escape(&it.label),
        numbers(&it.refs),
        escape(&it.value),
        escape(&it.note)
    )
}

fn table(out: &mut String, it: &Table) {
    let side = |at: usize| if it.columns[at].right { " class=\"right\"" } else { "" };
    let _ = write!(
        out,
        "<div class=\"wide\"><table><caption>{}</caption><thead><tr>",
        escape(&it.caption)
    );
    for (at, column) in it.columns.iter().enumerate() {
        let _ = write!(out, "<th{}>{}</th>", side(at), escape(&column.head));
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in &it.rows {
        out.push_str("<tr>");
        for (at, it) in row.iter().enumerate() {
            let _ = write!(out, "<td{}>{}</td>", side(at), cell(it));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}

fn cell(it: &Cell) -> String {
    let mut out = format!("<span class=\"{}\">{}</span>", class(it.tone), escape(&it.text));
    out.push_str(&numbers(&it.refs));
    if !it.small.is_empty() {
        let _ = write!(out, "<small>{}</small>", escape(&it.small));
    }
    out
}

fn danger(out: &mut String, it: &Danger, join: &str) {
    let _ = write!(
        out,
        "<article class=\"danger {}\" id=\"{}\"><h4><span>{}</span> <b class=\"badge\">{}</b> <em>{}</em><br>{}</h4><dl>",
        class(it.tone),
        escape(&it.number),
        escape(&it.number),
        escape(&it.level),
        escape(&it.state),
        escape(&it.title)
    );
    for (label, items) in &it.fields {
        let lines: Vec<String> = items.iter().map(say).collect();
        let _ = write!(
            out,
            "<dt>{}</dt><dd>{}</dd>",
            escape(label),
            lines.join(&format!("{join}<br>"))
        );
    }
    out.push_str("</dl></article>\n");
}

fn evidence(out: &mut String, report: &Report) {
    out.push_str("<div class=\"wide\"><table class=\"evidence\"><tbody>\n");
    for it in &report.evidence {
        let _ = writeln!(
            out,
            "<tr id=\"ev-{}\"><td class=\"right\"><b>{}</b></td><td>{}</td><td>{}</td><td>{}</td><td class=\"id\">{}</td></tr>",
            it.n,
            it.n,
            escape(&it.what),
            escape(&it.host),
            escape(&it.at),
            escape(&it.id)
        );
    }
    out.push_str("</tbody></table></div>\n");
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Unknown => "unknown",
        Tone::Muted => "muted",
        Tone::Level1 => "level1",
        Tone::Level2 => "level2",
        Tone::Level3 => "level3",
        Tone::Level4 => "level4",
    }
}
