"""What decides in the laboratory, tested without a guest: `python3 -m unittest lab.selftest`, and by each run before it begins."""
import unittest

from . import outcome
from .clusters import plain
from .errors import Broken
from .play import Play
from .scenario import HERE, Scenario, load
from .station import RULES, hurried


def case(component="md:x", name="md5", level=2, kind="fault", cls="redundancy", number="1", **more):
    grade = {"kind": kind, "level": level} if kind == "fault" else {"kind": kind}
    because = {"zh": "降级", "en": "degraded"}
    return {"id": number, "component": component, "component_name": name, "class": cls, "grade": grade, "because": because, **more}


class World:
    """A guest and a collector with a clock: `story` has the cases from each second on."""

    def __init__(self, story, tickets=(), fails=False):
        self.story, self.tickets, self.fails, self.now, self.ran = story, list(tickets), fails, 0, []
        self.away = False

    def run(self, script):
        if self.fails:
            raise RuntimeError("status 1")
        self.ran.append((self.now, script))

    def kill(self):
        self.away = True

    def serve(self):
        self.away = False

    def get(self, what):
        assert not self.away
        if what == "tickets":
            return self.tickets
        return next(cases for since, cases in reversed(self.story) if since <= self.now)

    def clock(self):
        return self.now

    def sleep(self, time):
        self.now += time


def played(known, story, until=600, **more):
    scenario, world = Scenario("one", {"about": "", **known}), World(story, **more)
    play = Play(world, world, lambda text: None, world.clock, world.sleep)
    play.run([scenario], until)
    return scenario, world, play


def verdicts(scenario):
    return [row[-1] for row in scenario.rows(0)]


STEP = {"at": "5s", "guest": "break"}
EXPECT = {"component": "md5", "class": "redundancy", "level": 2, "within": "1m"}


class Verdicts(unittest.TestCase):
    def test_what_comes_in_time_is_right(self):
        scenario, world, _ = played({"step": [STEP], "expect": [EXPECT]}, [(0, []), (30, [case()])])
        self.assertEqual(verdicts(scenario), ["ok"])
        self.assertEqual(world.ran, [(6, "break")])

    def test_nothing_another_level_or_too_late_is_missing(self):
        for story in [[(0, [])], [(0, [case(level=4)])], [(0, []), (90, [case()])], [(0, [case(cls="service")])]]:
            scenario, _, _ = played({"step": [STEP], "expect": [EXPECT]}, story)
            self.assertEqual(verdicts(scenario), ["MISSING"], story)

    def test_a_ticket_that_is_wanted_must_be_there(self):
        known = {"step": [STEP], "expect": [{**EXPECT, "ticket": True}]}
        self.assertEqual(verdicts(played(known, [(0, [case()])])[0]), ["MISSING"])
        self.assertEqual(verdicts(played(known, [(0, [case()])], tickets=[{"case": "1"}])[0]), ["ok"])

    def test_what_must_not_come_is_a_mistake_even_if_it_goes_again(self):
        known = {"step": [STEP], "expect": [EXPECT], "never": [{"component": "md5", "level": [1]}]}
        story = [(0, []), (20, [case()]), (40, [case(level=1)]), (60, [case()])]
        self.assertEqual(verdicts(played(known, story)[0]), ["ok", "CAME"])
        self.assertEqual(verdicts(played(known, [(0, []), (20, [case()])])[0]), ["ok", "ok"])

    def test_what_must_not_come_is_watched_for_a_while(self):
        known = {"step": [STEP], "expect": [EXPECT], "never": [{"component": "md5", "level": [1]}]}
        _, world, _ = played(known, [(0, [case()])])
        self.assertGreaterEqual(world.now, 95)

    def test_a_second_step_waits_for_the_first_expectation_and_ends_what_must_not_come(self):
        known = {
            "step": [STEP, {"id": "second", "after": "first", "at": "1s", "guest": "again"}],
            "expect": [{**EXPECT, "id": "first"}, {**EXPECT, "since": "second", "level": 1}],
            "never": [{"component": "md5", "level": 1, "until": "second"}],
        }
        scenario, world, _ = played(known, [(0, []), (30, [case()]), (50, [case(level=1)])])
        self.assertEqual(verdicts(scenario), ["ok", "ok", "ok"])
        self.assertEqual(world.ran[1], (33, "again"))
        scenario, world, _ = played(known, [(0, [])])
        self.assertEqual(verdicts(scenario), ["MISSING", "not tried", "ok"])
        self.assertLess(world.now, 120)

    def test_over_wants_the_case_gone(self):
        known = {
            "step": [STEP, {"id": "mended", "after": "first", "at": "1s", "guest": "mend"}],
            "expect": [{**EXPECT, "id": "first"}, {**EXPECT, "since": "mended", "over": True}],
        }
        self.assertEqual(verdicts(played(known, [(0, [case()]), (60, [])])[0]), ["ok", "ok"])
        self.assertEqual(verdicts(played(known, [(0, [case()])])[0]), ["ok", "STILL THERE"])

    def test_while_the_collector_is_away_nobody_asks_it_and_what_it_makes_of_the_time_must_begin_in_it(self):
        known = {
            "step": [
                {"id": "away", "at": "5s", "collector": "killed"}, STEP,
                {"id": "back", "at": "1m", "collector": "started"},
            ],
            "expect": [{**EXPECT, "before": "back", "within": "2m"}],
        }
        opened = lambda at: [(0, []), (70, [case(opened_at=f"1970-01-01T00:{at}Z")])]
        self.assertEqual(verdicts(played(known, opened("00:20"))[0]), ["ok"])
        self.assertEqual(verdicts(played(known, opened("01:09"))[0]), ["MISSING"])

    def test_a_step_that_cannot_be_injected_is_told(self):
        scenario, _, _ = played({"step": [STEP], "expect": [EXPECT]}, [(0, [case()])], fails=True)
        self.assertEqual(verdicts(scenario), ["not injected"])

    def test_a_table_with_anything_but_ok_is_bad(self):
        for story, bad in [([(0, [case()])], 0), ([(0, [])], 1)]:
            scenario, _, _ = played({"step": [STEP], "expect": [EXPECT]}, story)
            self.assertEqual(outcome.table([scenario], out=lambda text: None), bad)

    def test_a_grave_case_that_nobody_foresaw_is_a_mistake_unless_it_follows_from_one(self):
        scenario = Scenario("one", {"about": "", "step": [STEP], "expect": [EXPECT]})
        count = lambda *seen: outcome.unforeseen([scenario], seen, out=lambda text: None)
        self.assertEqual(count(case()), 0)
        self.assertEqual(count(case(name="sdx", component="disk:X", level=2)), 1)
        self.assertEqual(count(case(name="sdx", component="disk:X", level=3)), 0)
        self.assertEqual(count(case(), case(name="/srv", component="filesystem:/srv", level=1, number="2", parent="1")), 0)

    def test_a_pattern_foresees_its_own_class_only(self):
        scenario = Scenario("one", {"about": "", "step": [STEP], "expect": [{**EXPECT, "component": "*"}]})
        count = lambda *seen: outcome.unforeseen([scenario], seen, out=lambda text: None)
        self.assertEqual((count(case(name="md9")), count(case(name="md9", cls="service"))), (0, 1))

    def test_what_is_grave_before_anything_was_injected_is_a_mistake(self):
        count = lambda *seen: outcome.early(seen, out=lambda text: None)
        self.assertEqual((count(), count(case(level=3)), count(case(level=2)), count(case(level=1), case(number="2"))), (0, 0, 1, 2))

    def test_the_gravest_state_of_a_case_is_kept(self):
        _, _, play = played({"step": [STEP], "expect": [EXPECT]}, [(0, [case(level=1)]), (3, [case(level=2)])])
        self.assertEqual([it["grade"]["level"] for it in play.cases.values()], [1])


class Data(unittest.TestCase):
    def test_mistakes_in_a_scenario_are_told(self):
        good = {"about": "", "step": [STEP], "expect": [EXPECT]}
        for bad in [
            {"colour": 1}, {"step": [{**STEP, "often": 1}]}, {"expect": [{**EXPECT, "levle": 2}]}, {"never": [{"componet": ""}]},
            {"expect": [{**EXPECT, "since": "nowhere"}]}, {"expect": [{**EXPECT, "before": "nowhere"}]}, {"step": [{**STEP, "after": "nothing"}]},
        ]:
            with self.assertRaises(Broken, msg=bad):
                Scenario("bad", {**good, **bad})

    def test_all_scenarios_load(self):
        self.assertGreater(len(load(HERE / "scenarios")), 15)

    def test_the_shorter_periods_fit_the_library(self):
        for rules in RULES.glob("*.toml"):
            hurried(rules.stem, rules.read_text())
        text = hurried("source", (RULES / "source.toml").read_text())
        self.assertIn('silent = "60s"', text)
        self.assertEqual(hurried("x", 'for = "15m"\nabove = "90 %"\n'), 'for = "30s"\nabove = "90 %"\n')

    def test_judged_cases_are_read_like_those_of_the_api(self):
        decision = {"grade": {"fault": "two"}, "because": {}}
        self.assertEqual(plain({"decision": decision})["grade"], {"kind": "fault", "level": 2})
        self.assertEqual(plain({"decision": {"grade": "blind", "because": {}}})["grade"], {"kind": "blind"})


if __name__ == "__main__":
    unittest.main()
