"""What a run came to: the table of scenarios, what nothing foresaw, and the evidence that tells the cause of a failure."""
import json

from . import scenario
from .errors import Broken
from .play import gravity

COLUMNS = (25, 27, 15, 13, 9, 7)


def line(cells):
    return " ".join(f"{cell:<{width}}" for cell, width in zip(cells, COLUMNS)) + f" {cells[-1]}"


def table(scenarios, out=print):
    """Prints it; the number of rows that are not as they should be."""
    bad = 0
    out("\n" + line(("scenario", "component", "class", "expected", "came", "after", "verdict")))
    for it in scenarios:
        for row in it.rows(0):
            bad += row[-1] != "ok"
            out(line(row))
        for step in it.steps:
            if step.failed:
                out(f"{it.name}: not injected: {step.failed}")
    return bad


def unforeseen(scenarios, seen, out=print):
    """Cases that no scenario speaks of: a level 1 or 2 is a mistake, the others are told. `seen`: each at its gravest."""
    bad = 0
    parents = {case["id"]: case for case in seen}
    for case in sorted(seen, key=lambda it: (gravity(it), it["component"])):
        if any(it.names(case) for it in scenarios):
            continue
        parent = parents.get(case.get("parent"))
        if parent and any(it.names(parent) for it in scenarios):
            continue
        mistake = gravity(case) <= 2
        bad += mistake
        text = f"{case['component_name']} ({case['component']}) {case['class']}: {case['because']['en']}"
        out(f"{'NOT FORESEEN' if mistake else 'also there'}: {scenario.level_of(case)} {text}")
    return bad


def early(cases, out=print):
    """Faults that are told before anything was injected: a level 1 or 2 is a mistake, the others are told."""
    bad = 0
    for case in cases:
        if case["grade"]["kind"] == "fault":
            mistake = gravity(case) <= 2
            bad += mistake
            text = f"{case['component_name']} ({case['component']}) {case['class']}: {case['because']['en']}"
            out(f"{'FALSE ALARM' if mistake else 'told'} before anything was injected: {scenario.level_of(case)} {text}")
    return bad


def near(scenarios, seen):
    """The cases about what was missing or must not have come."""
    wrong = [it.table for one in scenarios for it in one.expects if it.met_at is None]
    wrong += [it.table for one in scenarios for it in one.nevers if it.seen]
    return [case for case in seen if any(scenario.about(it, case) for it in wrong)]


def evidence(folder, guest, station, scenarios, seen, out=print):
    """Keeps all that tells the cause in `folder`, and prints the part that a log of continuous integration needs."""
    folder.mkdir(parents=True, exist_ok=True)
    for what in ("cases", "tickets", "hosts"):
        try:
            (folder / f"{what}.json").write_text(json.dumps(station.get(what), indent=1, ensure_ascii=False))
        except (Broken, OSError, ValueError) as error:
            out(f"lab: {what} of the collector: {error}")
    (folder / "seen.json").write_text(json.dumps(seen, indent=1, ensure_ascii=False))
    asked = {
        "agent.journal": "journalctl -b -u xunjian-agent -u 'xunjian-helper*' --no-pager -o short-monotonic; true",
        "kernel.log": "dmesg; true",
        "state": "cat /proc/mdstat; cat /proc/diskstats; uptime; free -m; df -h; systemctl --failed --no-pager; ps aux --sort=-rss | head -15; true",
    }
    for name, script in asked.items():
        try:
            (folder / name).write_text(guest.run(script, 60))
        except (RuntimeError, OSError, EOFError) as error:
            out(f"lab: {name}: {error}")
    for name, path in (("collector.log", station.folder / "log"), ("console.log", guest.folder / "console.log")):
        if path.exists():
            (folder / name).write_bytes(path.read_bytes())
    for name, lines in (("agent.journal", 40), ("collector.log", 40), ("state", 20)):
        path = folder / name
        if path.exists():
            text = path.read_text(errors="replace").splitlines()
            out(f"\n-- the last {min(lines, len(text))} lines of {name}")
            out("\n".join(it[:400] for it in text[-lines:]))
    for case in near(scenarios, seen)[:8]:
        out("\n-- near what is wrong\n" + json.dumps(case, ensure_ascii=False)[:4000])
    out(f"\nlab: the evidence is kept in {folder}")
