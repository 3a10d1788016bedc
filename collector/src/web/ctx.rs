//! What every template speaks with: language, time zone, now, who looks; and the small pieces that show themselves.

use std::fmt;

use askama::filters::HtmlSafe;
use chrono_tz::Tz;
use xunjian_proto::{MemberState, Outcome, Reason, Relation, Time};
use xunjian_rules::{Class, EvidenceKind, Lang, Text};

use super::{
    ask::Ask,
    format, names,
    session::Role,
    text::{self, Texts},
    words,
};
use crate::{
    classify::{Case, CaseChange, Grade, Level},
    ticket::{Clock, ClockState, Ticket, TicketEventKind, TicketState},
};

/// The frame of a page.
pub(super) struct Ctx {
    /// The reader's table of texts.
    pub(super) t: &'static Texts,
    /// The reader's language.
    pub(super) lang: Lang,
    /// The page's title.
    pub(super) title: String,
    /// Who is logged in.
    pub(super) login: Option<String>,
    /// Engineers and managers may act.
    pub(super) staff: bool,
    /// Managers look after people.
    pub(super) manager: bool,
    /// For forms.
    pub(super) csrf: String,
    /// Path with query, for coming back.
    pub(super) here: String,
    /// The contract's customer, as it stands on the report.
    pub(super) customer: String,
    /// Now.
    pub(super) now: Time,
    /// The contract's time zone.
    pub(super) zone: Tz,
}

impl Ctx {
    /// The frame for one request.
    pub(super) fn new(ask: &Ask, title: String) -> Ctx {
        let session = ask.session();
        let home = ask.home();
        let own = session.is_some_and(|session| session.viewer.sees(&home.customer));
        Ctx {
            t: text::table(ask.head.lang),
            lang: ask.head.lang,
            title,
            login: session.map(|session| session.viewer.login.clone()),
            staff: session.is_some_and(|session| session.viewer.role != Role::Customer),
            manager: session.is_some_and(|session| session.viewer.role == Role::Manager),
            csrf: session.map(super::session::Session::csrf).unwrap_or_default(),
            here: ask.head.here.clone(),
            customer: if own {
                home.customer_title(ask.head.lang).to_owned()
            } else {
                String::new()
            },
            now: ask.now,
            zone: home.timezone,
        }
    }

    /// `zh-CN` or `en`.
    pub(super) fn html_lang(&self) -> &'static str {
        if self.lang == Lang::Zh { "zh-CN" } else { "en" }
    }

    /// Whether the page stands under this head of the navigation.
    pub(super) fn under(&self, prefix: &str) -> bool {
        if prefix == "/" { self.here == "/" } else { self.here.starts_with(prefix) }
    }

    /// A text in the reader's language; the other one if it is missing there.
    pub(super) fn say<'a>(&self, text: &'a Text) -> &'a str {
        match text.in_lang(self.lang) {
            "" => {
                if self.lang == Lang::Zh {
                    &text.en
                } else {
                    &text.zh
                }
            }
            own => own,
        }
    }

    /// A moment with its age.
    pub(super) fn stamp(&self, at: &Time) -> Stamp {
        Stamp {
            machine: format::machine(*at),
            moment: format::moment(*at, self.zone),
            age: match self.lang {
                Lang::Zh => format!("（{}）", format::age(*at, self.now, self.lang)),
                Lang::En => format!("({})", format::age(*at, self.now, self.lang)),
            },
        }
    }

    /// A moment alone.
    pub(super) fn moment(&self, at: &Time) -> String {
        format::moment(*at, self.zone)
    }

    /// A moment near now, without its year.
    pub(super) fn near(&self, at: &Time) -> String {
        format::moment_as(*at, self.zone, "%m-%d %H:%M:%S")
    }

    /// The day alone.
    pub(super) fn day(&self, at: &Time) -> String {
        format::moment_as(*at, self.zone, "%Y-%m-%d")
    }

    /// A grade as a badge.
    pub(super) fn grade(&self, grade: &Grade) -> Badge {
        Badge { class: words::grade_class(*grade), label: words::grade(*grade, self.lang) }
    }

    /// A level as a badge.
    pub(super) fn level(&self, level: &Level) -> Badge {
        self.grade(&Grade::Fault(*level))
    }

    /// A level in words.
    pub(super) fn level_word(&self, level: &Level) -> &'static str {
        words::level(*level, self.lang)
    }

    /// What a level means.
    pub(super) fn level_meaning(&self, level: &Level) -> &'static str {
        words::level_meaning(*level, self.lang)
    }

    /// A run's 执行状态 as a badge. Only a run that read something is green; `gaps` of it make it grey.
    pub(super) fn outcome(&self, outcome: &Outcome, gaps: &usize) -> Badge {
        let class = match outcome {
            Outcome::Collected if *gaps == 0 => "ok",
            Outcome::Absent(_) => "plain",
            _ => "unknown",
        };
        Badge { class, label: words::outcome(outcome, self.lang) }
    }

    /// Why something is unknown.
    pub(super) fn reason(&self, reason: &Reason) -> &'static str {
        words::reason(*reason, self.lang)
    }

    /// Where a ticket stands, as a badge.
    pub(super) fn ticket_state(&self, state: &TicketState) -> Badge {
        let class = match state {
            TicketState::Detected | TicketState::Notified => "todo",
            TicketState::Restored | TicketState::Resolved | TicketState::Confirmed => "ok",
            _ => "busy",
        };
        Badge { class, label: words::ticket_state(*state, self.lang) }
    }

    /// What happened to a ticket.
    pub(super) fn ticket_event(&self, kind: &TicketEventKind) -> String {
        words::ticket_event(*kind, self.lang)
    }

    /// What happened to a case.
    pub(super) fn case_change(&self, change: &CaseChange) -> String {
        words::case_change(change, self.lang)
    }

    /// What a fact proves.
    pub(super) fn evidence_kind(&self, kind: &EvidenceKind) -> &'static str {
        words::evidence_kind(*kind, self.lang)
    }

    /// Words for the measured effect.
    pub(super) fn impact<'a>(&self, impact: &'a str) -> &'a str {
        words::impact(impact, self.lang)
    }

    /// Words for a component's kind.
    pub(super) fn kind<'a>(&self, kind: &'a str) -> &'a str {
        words::component_kind(kind, self.lang)
    }

    /// Words for a fault class.
    pub(super) fn class<'a>(&self, class: &'a str) -> &'a str {
        Class::called(class, self.lang)
    }

    /// Words for a role.
    pub(super) fn role<'a>(&self, role: &'a str) -> &'a str {
        words::role(role, self.lang)
    }

    /// A metric's or state's name in the reader's language, where there is one.
    pub(super) fn metric(&self, name: &str) -> Option<&'static str> {
        names::metric(name, self.lang)
    }

    /// What a case is about.
    pub(super) fn name(&self, case: &Case) -> String {
        match case.component.kind() {
            "source" => self.source(case.component.key()).to_owned(),
            _ => case.component_name.clone(),
        }
    }

    /// How many others a case brought about, if any.
    pub(super) fn below(&self, number: &usize) -> String {
        match number {
            0 => String::new(),
            number => format!(" · {} {number}", self.t.consequences),
        }
    }

    /// What a source is called.
    pub(super) fn source<'a>(&self, name: &'a str) -> &'a str {
        names::source(name, self.lang)
    }

    /// Words for an attribute's name.
    pub(super) fn attribute<'a>(&self, name: &'a str) -> &'a str {
        words::attribute(name, self.lang).unwrap_or(name)
    }

    /// How long ago.
    pub(super) fn age(&self, at: &Time) -> String {
        format::age(*at, self.now, self.lang)
    }

    /// A thing that was not seen for an hour is marked with its age.
    pub(super) fn is_old(&self, at: &Time) -> bool {
        self.now.since(*at) > std::time::Duration::from_secs(3600)
    }

    /// The last day of a period whose end is the first instant not in it.
    pub(super) fn last_day(&self, end: &Time) -> String {
        self.day(&(*end - std::time::Duration::from_millis(1)))
    }

    /// How a component hangs together with another.
    pub(super) fn relation(&self, relation: &Relation) -> &'static str {
        match relation {
            Relation::On => self.t.rel_on,
            Relation::Via => self.t.rel_via,
        }
    }

    /// How a member of a set is, as a badge.
    pub(super) fn member(&self, state: &MemberState) -> Badge {
        let (label, class) = words::member(*state, self.lang);
        Badge { class, label }
    }

    /// A chart's period.
    pub(super) fn period<'a>(&self, name: &'a str) -> &'a str {
        match name {
            "24h" => self.t.period_24h,
            "7d" => self.t.period_7d,
            "90d" => self.t.period_90d,
            other => other,
        }
    }

    /// A date's kind in the service calendar.
    pub(super) fn appointment<'a>(&self, kind: &'a str) -> &'a str {
        match kind {
            "inspection" => self.t.appointment_inspection,
            "training" => self.t.appointment_training,
            other => other,
        }
    }

    /// A report's state, as a badge.
    pub(super) fn report_state(&self, state: &str) -> Badge {
        match state {
            "draft" => Badge { class: "plain", label: self.t.state_draft },
            "signed" => Badge { class: "busy", label: self.t.state_signed },
            "published" => Badge { class: "ok", label: self.t.state_published },
            _ => Badge { class: "unknown", label: self.t.unknown },
        }
    }

    /// Who acted: a person's login, or the collector itself.
    pub(super) fn actor<'a>(&self, actor: &'a str) -> &'a str {
        if actor == "system" { self.t.system } else { actor }
    }

    /// A clock's style class.
    pub(super) fn clock_class(&self, state: &ClockState) -> &'static str {
        words::clock_state(*state, self.lang).1
    }

    /// A clock with what is left of it.
    pub(super) fn clock(&self, clock: &Clock) -> Left {
        let (word, class) = words::clock_state(clock.state, self.lang);
        let open = clock.met_at.is_none();
        let until = clock.met_at.unwrap_or(self.now);
        let late = until > clock.due;
        let length = if late { until.since(clock.due) } else { clock.due.since(until) };
        let span = format::span(length, self.lang);
        let words = match (open, late) {
            (true, false) => format!("{} {span}", self.t.left),
            (_, true) => format!("{} {span}", self.t.over_by),
            (false, false) => word.to_owned(),
        };
        Left {
            class,
            word,
            words,
            due: open.then_some(clock.due),
            overdue: self.t.over_by,
            left: self.t.left,
        }
    }

    /// Where the link to a component leads.
    pub(super) fn component_link(&self, agent: &str, component: &str) -> String {
        format!("/hosts/{}/component?id={}", format::encode(agent), format::encode(component))
    }
}

/// How many clocks are overdue, and how many are about to be.
pub(super) fn pressed(clocks: &[Clock]) -> (usize, usize) {
    let count = |state| clocks.iter().filter(|clock| clock.state == state).count();
    (count(ClockState::Breached), count(ClockState::AtRisk))
}

/// One line for a ticket in a list.
pub(super) struct TicketLine {
    /// The ticket.
    pub(super) ticket: Ticket,
    /// Where it stands.
    pub(super) state: TicketState,
    /// The level now in force.
    pub(super) level: Level,
    /// All its clocks.
    pub(super) clocks: Vec<Clock>,
    /// The clock to watch.
    pub(super) clock: Option<Clock>,
}

/// A moment with its age. Writes digits and our own words only.
pub(super) struct Stamp {
    machine: String,
    moment: String,
    age: String,
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"<time datetime="{}">{}</time> <span class="age">{}</span>"#,
            self.machine, self.moment, self.age
        )
    }
}

impl HtmlSafe for Stamp {}

/// A coloured word. Writes our own words only.
pub(super) struct Badge {
    class: &'static str,
    label: &'static str,
}

impl fmt::Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"<span class="badge {}">{}</span>"#, self.class, self.label)
    }
}

impl HtmlSafe for Badge {}

/// What is left of a clock; the script counts it down where it is open. Writes digits and our own words only.
pub(super) struct Left {
    class: &'static str,
    word: &'static str,
    words: String,
    due: Option<Time>,
    left: &'static str,
    overdue: &'static str,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"<span class="left {}" title="{}""#, self.class, self.word)?;
        if let Some(due) = self.due {
            write!(
                f,
                r#" data-due="{}" data-left="{}" data-over="{}""#,
                due.millis(),
                self.left,
                self.overdue
            )?;
        }
        write!(f, ">{}</span>", self.words)
    }
}

impl HtmlSafe for Left {}
