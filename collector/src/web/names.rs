//! What sources, metrics and states are called, and what the agent said of them. English readers get the technical name of a metric, which is English,
//! and the agent's own help text.

use std::borrow::Cow;

use xunjian_rules::Lang;

use super::ctx::Ctx;
use crate::evaluate::Input;

impl Ctx {
    /// What the agent said, in the reader's language.
    pub(super) fn told<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.lang {
            Lang::Zh => xunjian_agent::spoken::zh(text),
            Lang::En => Cow::Borrowed(text),
        }
    }

    /// The value of a reading that was compared.
    pub(super) fn value<'a>(&self, input: &'a Input) -> Cow<'a, str> {
        input.value_in(self.lang)
    }
}

/// The Chinese name of a metric or state for Chinese readers; `None` where the technical name must do.
pub(super) fn metric(name: &str, lang: Lang) -> Option<&'static str> {
    match lang {
        Lang::Zh => xunjian_agent::names::zh(name),
        Lang::En => None,
    }
}

/// What a source is called; its technical name where there is no better one.
pub(super) fn source(name: &str, lang: Lang) -> &str {
    match (xunjian_agent::names::source(name), lang) {
        (None, _) => name,
        (Some(title), Lang::Zh) => title.zh,
        (Some(title), Lang::En) => title.en,
    }
}
