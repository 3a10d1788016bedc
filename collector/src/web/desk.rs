//! The store as one person may see it. Pages read through this and nothing else, so that the rule "customers see only
//! their own" stands in one place: what somebody may not see is not found.

use xunjian_proto::{Evidence, Time};

use super::{failure::Failure, session::Viewer};
use crate::{
    classify::{Case, CaseId},
    contract::Contracts,
    store::{AgentId, AgentRow, ReportRow, Store},
    ticket::{Ticket, TicketId},
};

/// What one person sees.
pub(super) struct Desk<'a> {
    /// The whole store; only for reading on with an id that a method of this desk gave.
    pub(super) store: &'a Store,
    /// Whose which host is.
    pub(super) contracts: &'a Contracts,
    /// Who looks.
    pub(super) viewer: &'a Viewer,
}

impl Desk<'_> {
    /// Hosts, by name. A host belongs to the customer whose contract names it.
    pub(super) fn agents(&self) -> Result<Vec<AgentRow>, Failure> {
        let mut agents = self.store.agents()?;
        agents.retain(|row| self.viewer.sees(&self.contracts.of(&row.host.hostname).customer));
        agents.sort_by(|a, b| (&a.host.hostname, &a.agent).cmp(&(&b.host.hostname, &b.agent)));
        Ok(agents)
    }

    /// One host.
    pub(super) fn agent(&self, id: &str) -> Result<AgentRow, Failure> {
        self.agents()?.into_iter().find(|row| row.agent.0 == id).ok_or(Failure::NotFound)
    }

    /// Open cases, and those closed after a time; gravest first.
    pub(super) fn cases(&self, closed_after: Option<Time>) -> Result<Vec<Case>, Failure> {
        let mut cases = self.store.cases(closed_after)?;
        cases.retain(|case| self.viewer.sees(&case.customer));
        Ok(cases)
    }

    /// One case.
    pub(super) fn case(&self, id: &str) -> Result<Case, Failure> {
        let case = self.store.case(&CaseId(id.to_owned()))?;
        case.filter(|case| self.viewer.sees(&case.customer)).ok_or(Failure::NotFound)
    }

    /// Tickets, newest first.
    pub(super) fn tickets(&self, opened_after: Option<Time>) -> Result<Vec<Ticket>, Failure> {
        let mut tickets = self.store.tickets(opened_after)?;
        tickets.retain(|ticket| self.viewer.sees(&ticket.customer));
        Ok(tickets)
    }

    /// One ticket.
    pub(super) fn ticket(&self, id: &str) -> Result<Ticket, Failure> {
        let ticket = self.store.ticket(&TicketId(id.to_owned()))?;
        ticket.filter(|ticket| self.viewer.sees(&ticket.customer)).ok_or(Failure::NotFound)
    }

    /// Reports, newest first, without their models.
    pub(super) fn reports(&self) -> Result<Vec<ReportRow>, Failure> {
        let mut reports = self.store.reports()?;
        reports.retain(|report| self.viewer.sees(&report.customer));
        Ok(reports)
    }

    /// One report.
    pub(super) fn report(&self, id: &str) -> Result<ReportRow, Failure> {
        let report = self.store.report(id)?;
        report.filter(|report| self.viewer.sees(&report.customer)).ok_or(Failure::NotFound)
    }

    /// Raw evidence that a case quotes. Evidence is kept by its content's hash and belongs to nobody by itself: it can
    /// be read only through something that the person may see.
    pub(super) fn evidence_of_case(&self, case: &Case, id: &str) -> Result<Evidence, Failure> {
        let mut inputs = case.facts.iter().flat_map(|fact| &fact.inputs);
        if !inputs.any(|input| input.evidence.as_deref() == Some(id)) {
            return Err(Failure::NotFound);
        }
        self.store.evidence(id)?.ok_or(Failure::NotFound)
    }

    /// Raw evidence that a source of a host left.
    pub(super) fn evidence_of_source(
        &self,
        agent: &AgentId,
        source: &str,
        id: &str,
    ) -> Result<(Evidence, Time), Failure> {
        let kept = self.store.evidence_of(agent, source)?;
        let Some((_, _, at)) = kept.into_iter().find(|(known, _, _)| known == id) else {
            return Err(Failure::NotFound);
        };
        let evidence = self.store.evidence(id)?.ok_or(Failure::NotFound)?;
        Ok((evidence, at))
    }
}
