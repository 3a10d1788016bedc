"""Scenarios: time lines of injections, the cases, levels and tickets that have to come of them, and those that must not.

They are files of scenarios/: see README.md beside this folder for their form. What comes slowly is given time; what must
not come is a mistake whenever it is seen.
"""
import datetime
import fnmatch
import json
import re
import tomllib
from pathlib import Path

from . import disk
from .errors import Broken

KEYS = {"about", "alone", "prepare", "may", "step", "expect", "never"}
STEP = {"id", "at", "after", "guest", "bmc", "bmc_hangs", "qmp", "smart", "frozen", "collector", "inspect"}
CASE = {"component", "class", "level", "kind", "says"}
EXPECT = CASE | {"id", "since", "ticket", "within", "over", "before"}
NEVER = CASE | {"until", "watched"}
HERE = Path(__file__).resolve().parent.parent
WATCHED = "90s"


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)([sm])", text).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


class Step:
    def __init__(self, table):
        self.id, self.at, self.after, self.what = table.get("id"), seconds(table["at"]), table.get("after"), table
        # Seconds from the beginning, and the time of day.
        self.done_at, self.done, self.failed = None, None, None

    def due(self, now, expects):
        """`at` counts from the beginning, or from when the expectation `after` was met."""
        if self.done_at is not None or self.failed:
            return False
        begun = expects[self.after].met_at if self.after else 0
        return begun is not None and now >= begun + self.at

    def __str__(self):
        return ", ".join(it for it in self.what if it not in ("id", "at", "after"))


class Expect:
    """A case that has to come, or, with `over`, one that has to be there no more."""

    def __init__(self, table):
        self.id, self.since, self.table = table.get("id"), table.get("since"), table
        self.within, self.over = seconds(table["within"]), table.get("over", False)
        self.met_at, self.case, self.begun, self.ahead = None, None, None, None

    def look(self, cases, tickets, now):
        if self.met_at is not None or self.begun is None or now > self.begun + self.within:
            return
        found = [case for case in cases if fits(self.table, case, tickets) and self.in_time(case)]
        if bool(found) != self.over:
            self.met_at, self.case = now, found[0] if found else None

    def in_time(self, case):
        """With `before`: the case began before that step was done, whenever the collector heard of it."""
        if "before" not in self.table:
            return True
        done = self.ahead.done
        return done is not None and datetime.datetime.fromisoformat(case["opened_at"]).timestamp() <= done

    def decided(self, now):
        return self.met_at is not None or (self.begun is not None and now > self.begun + self.within)


class Never:
    """A case that must not come: until a step is done, or ever; watched for some time at least."""

    def __init__(self, table):
        self.table, self.until, self.seen, self.seen_at = table, table.get("until"), None, None
        self.watched = seconds(table.get("watched", WATCHED))

    def look(self, cases, now):
        if self.seen is None:
            self.seen = next((case for case in cases if fits(self.table, case, None)), None)
            self.seen_at = now if self.seen else None


class Scenario:
    def __init__(self, name, known):
        self.name = name
        groups = [(KEYS, [known]), (STEP, known["step"]), (EXPECT, known["expect"]), (NEVER, known.get("never", []))]
        for keys, tables in groups:
            for table in tables:
                if strange := set(table) - keys:
                    raise Broken(f"{name}: unknown keys {sorted(strange)}; known are {sorted(keys)}")
        self.about, self.alone, self.prepare = known["about"], known.get("alone", False), known.get("prepare", "")
        self.may = known.get("may", [])
        self.steps = [Step(it) for it in known["step"]]
        self.expects = [Expect(it) for it in known["expect"]]
        self.nevers = [Never(it) for it in known.get("never", [])]
        self.ids = {it.id: it for it in self.expects if it.id}
        steps = {it.id for it in self.steps}
        wanted = [it.after for it in self.steps if it.after and it.after not in self.ids]
        wanted += [it.since for it in self.expects if it.since and it.since not in steps]
        wanted += [it.table["before"] for it in self.expects if "before" in it.table and it.table["before"] not in steps]
        wanted += [it.until for it in self.nevers if it.until and it.until not in steps]
        if wanted:
            raise Broken(f"{name}: nothing has the id {wanted}")
        for it in self.expects:
            it.ahead = self.step(it.table["before"]) if "before" in it.table else None

    def step(self, name):
        return next(it for it in self.steps if it.id == name) if name else self.steps[0]

    def look(self, cases, tickets, now):
        """Marks what is there now; the expectations that have just been met."""
        before = [it for it in self.expects if it.met_at is None]
        for it in self.expects:
            it.begun = self.step(it.since).done_at
            it.look(cases, tickets, now)
        for it in self.nevers:
            if not (it.until and self.step(it.until).done_at is not None):
                it.look(cases, now)
        return [it for it in before if it.met_at is not None]

    def done(self, now):
        """Nothing is left to inject, to wait for or to watch."""
        if not all(it.done_at is not None or it.failed or self.hopeless(it, now) for it in self.steps):
            return False
        first = self.steps[0].done_at
        watched = max((it.watched for it in self.nevers if not it.until), default=0)
        return (
            all(it.decided(now) or self.untried(it, now) for it in self.expects)
            and (first is None or now >= first + watched)
        )

    def hopeless(self, step, now):
        """Waits for an expectation that will not be met."""
        return bool(step.after) and self.ids[step.after].met_at is None and (
            self.ids[step.after].decided(now) or self.untried(self.ids[step.after], now)
        )

    def untried(self, expect, now):
        step = self.step(expect.since)
        return bool(step.failed) or self.hopeless(step, now)

    def names(self, case):
        """The case is one that the scenario speaks of, or may bring along. A pattern of components speaks of its class only."""
        tables = [it.table for it in self.expects] + [{"component": it} for it in self.may]
        return any(about(it, case) and ("*" not in it["component"] or it.get("class", case["class"]) == case["class"]) for it in tables)

    def rows(self, now):
        """For the table at the end: what was wanted, what came, after how long, and whether that is right."""
        for it in self.expects:
            after = f"{it.met_at - it.begun:.0f} s" if it.met_at is not None else ""
            came = level_of(it.case) if it.case else "over" if it.met_at is not None else "-"
            failed = self.step(it.since).failed
            verdict = "ok" if it.met_at is not None else "not injected" if failed else (
                "not tried" if it.begun is None else "MISSING" if not it.over else "STILL THERE"
            )
            wanted = "over" if it.over else wanted_of(it.table)
            yield self.name, it.table["component"], it.table.get("class", ""), wanted, came, after, verdict
        for it in self.nevers:
            came = level_of(it.seen) if it.seen else "-"
            after = f"{it.seen_at:.0f} s" if it.seen else ""
            verdict = "CAME" if it.seen else "ok"
            yield self.name, it.table["component"], it.table.get("class", ""), f"no {wanted_of(it.table)}", came, after, verdict


def wanted_of(table):
    levels = table.get("level")
    if levels is None:
        return table.get("kind", "case")
    return "level " + "/".join(str(it) for it in (levels if isinstance(levels, list) else [levels]))


def level_of(case):
    level = case["grade"].get("level")
    return f"level {level}" if level else case["grade"]["kind"]


def about(table, case):
    return any(fnmatch.fnmatchcase(it, table["component"]) for it in (case["component"], case["component_name"]))


def fits(table, case, tickets):
    """Whether a case is what the table (component, class, level, kind, says, ticket) says."""
    grade, levels = case["grade"], table.get("level")
    if levels is not None and grade.get("level") not in (levels if isinstance(levels, list) else [levels]):
        return False
    said = json.dumps([case["because"], case.get("facts", [])], ensure_ascii=False)
    return (
        about(table, case)
        and table.get("class", case["class"]) == case["class"]
        and table.get("kind", grade["kind"]) == grade["kind"]
        and re.search(table.get("says", ""), said) is not None
        and (not table.get("ticket") or any(it["case"] == case["id"] for it in tickets))
    )


def inject(guest, station, step):
    """Does what a step says."""
    what = step.what
    if "guest" in what:
        guest.run(what["guest"])
    if "bmc" in what:
        for sensor, value in what["bmc"].items():
            guest.bmc.set(sensor, value)
    if "bmc_hangs" in what:
        guest.bmc.hang(what["bmc_hangs"])
    if "qmp" in what:
        guest.qmp(what["qmp"]["command"], what["qmp"].get("arguments"))
    if "smart" in what:
        change = dict(what["smart"])
        disk.change(guest.smart_folder(change.pop("disk")), **change)
    if "frozen" in what:
        guest.freeze(what["frozen"])
    if "inspect" in what:
        station.inspect(what["inspect"])
    if "collector" in what:
        {"killed": station.kill, "started": station.serve}[what["collector"]]()


def load(folder, only=()):
    found = [Scenario(path.stem, tomllib.loads(path.read_text())) for path in sorted(Path(folder).glob("*.toml"))]
    if strange := set(only) - {it.name for it in found}:
        raise Broken(f"no scenario {sorted(strange)}; there are {[it.name for it in found]}")
    return [it for it in found if not only or it.name in only]
