"""Plays scenarios: injects what is due, looks at what the collector has made of it, until each has what it expects and
nothing is left to watch, or its time is over."""
import time

from .scenario import inject

LOOK = 3


class Play:
    """What was seen while scenarios were played; `cases` has each case at its gravest, by id."""

    def __init__(self, guest, station, say, clock=time.time, sleep=time.sleep):
        self.guest, self.station, self.say, self.clock, self.sleep = guest, station, say, clock, sleep
        self.cases, self.last = {}, ([], [])

    def look(self):
        """What the collector knows; while it is away, what it knew."""
        if self.station.away:
            return self.last
        cases = self.station.get("cases")
        for case in cases:
            known = self.cases.get(case["id"])
            if known is None or gravity(case) <= gravity(known):
                self.cases[case["id"]] = case
        self.last = cases, self.station.get("tickets")
        return self.last

    def run(self, scenarios, until):
        """`until`: seconds after which it ends in any case."""
        begun = self.clock()
        while True:
            for scenario in scenarios:
                self.inject(scenario, begun)
            cases, tickets = self.look()
            now = self.clock() - begun
            for scenario in scenarios:
                for expect in scenario.look(cases, tickets, now):
                    gone = " is over" if expect.over else " is there"
                    self.say(f"{now:4.0f} s  {scenario.name}: {expect.table['component']} {expect.table.get('class', '')}{gone}")
            if all(it.done(now) for it in scenarios):
                return
            if now > until:
                self.say(f"gave up after {now:.0f} s")
                return
            self.sleep(LOOK)

    def inject(self, scenario, begun):
        for step in scenario.steps:
            now = self.clock() - begun
            if not step.due(now, scenario.ids):
                continue
            self.say(f"{now:4.0f} s  {scenario.name}: {step}")
            try:
                inject(self.guest, self.station, step)
                step.done = self.clock()
                step.done_at = step.done - begun
            except (RuntimeError, OSError, EOFError) as error:
                step.failed = str(error)
                self.say(f"{scenario.name}: not injected: {error}")


def gravity(case):
    """1 to 4 for a fault's level, 5 for what is none."""
    return case["grade"].get("level") or 5
