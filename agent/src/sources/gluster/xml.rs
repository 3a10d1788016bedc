//! Questions to `gluster --xml` and to the answers.
//!
//! Facts: the CLI's XML (`cliOutput` with `opRet`, `opErrstr` and one body), recordings of release 10.

use std::time::Duration;

use roxmltree::{Document, Node, ParsingOptions};
use xunjian_proto::Reason;

use crate::{host::HostError, source::Collect};

/// Most elements of one answer: 20 for each of 20,000 bricks.
const NODES_MAX: u32 = 500_000;

/// Parses an answer; none of its texts is interpreted, and entities beyond the five of XML are refused.
pub(super) fn parse(text: &str) -> Result<Document<'_>, String> {
    let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| error.to_string())
}

/// The first child element of this name.
pub(super) fn child<'a, 'd>(node: Node<'a, 'd>, name: &str) -> Option<Node<'a, 'd>> {
    node.children().find(|it| it.has_tag_name(name))
}

/// All child elements of this name.
pub(super) fn children<'a, 'd: 'a>(
    node: Node<'a, 'd>,
    name: &'a str,
) -> impl Iterator<Item = Node<'a, 'd>> {
    node.children().filter(move |it| it.has_tag_name(name))
}

/// The text of a child element; empty ones and `N/A` say nothing.
pub(super) fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    let text = child(node, name)?.text()?.trim();
    (!text.is_empty() && text != "N/A").then(|| text.to_owned())
}

/// The number in a child element.
pub(super) fn number(node: Node<'_, '_>, name: &str) -> Option<f64> {
    text(node, name)?.parse().ok().filter(|it: &f64| it.is_finite() && *it >= 0.0)
}

/// The whole number in a child element.
pub(super) fn whole(node: Node<'_, '_>, name: &str) -> Option<u32> {
    text(node, name)?.parse().ok()
}

/// Asks `gluster`; the answer as text. What went wrong becomes a problem, but for a question that nobody saved the
/// answer of.
pub(super) fn ask(c: &mut Collect<'_>, words: &[&str], limit: Duration) -> Option<String> {
    let head = ["gluster", "--mode=script", "--log-file=/dev/null", "--xml"];
    let argv: Vec<&str> = head.iter().chain(words).copied().collect();
    let what = words.join(" ");
    match c.host.run_within(&argv, limit) {
        Ok(output) if output.truncated => {
            c.problem(
                Reason::Truncated,
                None,
                format!("gluster {what}: more output than is taken"),
            );
            None
        }
        // A refusal is in the answer, with a reason; an answer that is no XML is a failure.
        Ok(output) if output.status != 0 && !output.stdout.trim_start().starts_with('<') => {
            let said = [&output.stdout, &output.stderr]
                .into_iter()
                .find_map(|it| it.lines().find(|it| !it.trim().is_empty()));
            let text = format!(
                "gluster {what}: status {}: {}",
                output.status,
                said.map_or("", |it| it.trim())
            );
            let denied = text.contains("ermission denied") || text.contains("superuser");
            let reason = if denied { Reason::PermissionDenied } else { Reason::ToolFailed };
            c.problem(reason, None, text);
            None
        }
        Ok(output) => Some(output.stdout),
        Err(HostError::Run { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            c.problem(error.reason(), None, format!("gluster {what}: {error}"));
            None
        }
    }
}
