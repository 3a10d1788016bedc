"""Scenarios: time lines of injections, and the cases, levels and tickets that have to come of them.

They are files of scenarios/: see README.md beside this folder for their form. All run at once in one guest, each on devices
of its own; those with `alone = true` run after the others, one by one.
"""
import fnmatch
import re
import time
import tomllib
from pathlib import Path

from . import disk

KEYS = {"about", "alone", "prepare", "step", "expect"}
STEP = {"at", "guest", "bmc", "qmp", "smart", "frozen"}
EXPECT = {"component", "class", "level", "kind", "ticket", "says", "within"}


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)([sm])", text).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


class Scenario:
    def __init__(self, path):
        self.name, known = path.stem, tomllib.loads(path.read_text())
        for keys, table in [(KEYS, known), *((STEP, it) for it in known["step"]), *((EXPECT, it) for it in known["expect"])]:
            if strange := set(table) - keys:
                raise SystemExit(f"lab: {path}: unknown keys {sorted(strange)}; known are {sorted(keys)}")
        self.about, self.alone, self.prepare = known["about"], known.get("alone", False), known.get("prepare", "")
        self.steps = sorted(({**it, "at": seconds(it["at"])} for it in known["step"]), key=lambda it: it["at"])
        self.expects = [{**it, "within": seconds(it["within"]), "met": None} for it in known["expect"]]

    @property
    def ends(self):
        return max(it["within"] for it in self.expects)

    def inject(self, guest, step):
        if "guest" in step:
            guest.run(step["guest"])
        if "bmc" in step:
            for sensor, value in step["bmc"].items():
                guest.bmc.set(sensor, value)
        if "qmp" in step:
            guest.qmp(step["qmp"]["command"], step["qmp"].get("arguments"))
        if "smart" in step:
            what = dict(step["smart"])
            disk.change(guest.smart_folder(what.pop("disk")), **what)
        if "frozen" in step:
            guest.freeze(step["frozen"])

    def look(self, cases, tickets, after):
        """Marks what is there now."""
        for expect in self.expects:
            for case in cases:
                if expect["met"] is None and fits(expect, case, tickets):
                    expect["met"] = (after, case)

    def done(self):
        return all(it["met"] for it in self.expects)

    def names(self, case):
        return any(about(it, case) for it in self.expects)


def about(expect, case):
    return any(fnmatch.fnmatchcase(it, expect["component"]) for it in (case["component"], case["component_name"]))


def fits(expect, case, tickets):
    grade = case["grade"]
    return (
        about(expect, case)
        and expect.get("class", case["class"]) == case["class"]
        and expect.get("level") == (grade.get("level") if "level" in expect else None)
        and expect.get("kind", grade["kind"]) == grade["kind"]
        and re.search(expect.get("says", ""), str(case["because"])) is not None
        and (not expect.get("ticket") or any(it["case"] == case["id"] for it in tickets))
    )


def load(folder, only):
    found = [Scenario(path) for path in sorted(Path(folder).glob("*.toml"))]
    if strange := set(only) - {it.name for it in found}:
        raise SystemExit(f"lab: no scenario {sorted(strange)}; there are {[it.name for it in found]}")
    return [it for it in found if not only or it.name in only]


def play(scenarios, guest, station, say):
    """Runs them at once until each has what it expects or its time is over."""
    begun = time.time()
    steps = sorted(((step["at"], it, step) for it in scenarios for step in it.steps), key=lambda it: it[0])
    while True:
        after = time.time() - begun
        while steps and steps[0][0] <= after:
            _, scenario, step = steps.pop(0)
            say(f"{after:4.0f} s  {scenario.name}: {', '.join(it for it in step if it != 'at')}")
            scenario.inject(guest, step)
        cases, tickets = station.get("cases"), station.get("tickets")
        for scenario in scenarios:
            before = [bool(it["met"]) for it in scenario.expects]
            scenario.look(cases, tickets, time.time() - begun)
            for was, expect in zip(before, scenario.expects):
                if expect["met"] and not was:
                    say(f"{after:4.0f} s  {scenario.name}: {expect['component']} {expect.get('class', '')} is there")
        if not steps and all(it.done() for it in scenarios):
            return
        if after > max(it.ends for it in scenarios):
            return
        time.sleep(3)
