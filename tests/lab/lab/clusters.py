"""Real clusters of GlusterFS and Ceph on loopback, broken step by step (gluster.sh, ceph.sh), beside the guest: what the agent
recorded at each step is judged by the collector and compared with clusters/NAME.toml."""
import json
import os
import signal
import subprocess
import threading
import tomllib
from pathlib import Path

from .errors import Broken
from .scenario import CASE, about, fits, level_of, wanted_of

HERE = Path(__file__).resolve().parent.parent
KEYS = {"about", "minutes", "step"}
STEP = {"name", "about", "expect", "never", "may"}


class Cluster:
    def __init__(self, path):
        self.name, known = path.stem, tomllib.loads(path.read_text())
        self.about, self.minutes, self.steps = known["about"], known["minutes"], known["step"]
        tables = [(KEYS, [known]), (STEP, self.steps)]
        tables += [(CASE, it.get("expect", []) + it.get("never", [])) for it in self.steps]
        for keys, found in tables:
            for table in found:
                if strange := set(table) - keys:
                    raise Broken(f"{path.name}: unknown keys {sorted(strange)}; known are {sorted(keys)}")
        self.failed, self.process = None, None

    def script(self, *argv, log, environment):
        """Runs its script to the end, or ends it with all that it started."""
        with open(log, "w") as out:
            self.process = process = subprocess.Popen(
                [HERE / f"{self.name}.sh", *argv], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                start_new_session=True, env=environment,
            )
            try:
                return process.wait(self.minutes * 60)
            except subprocess.TimeoutExpired:
                self.stop()
                return None

    def stop(self):
        """Ends its script and all that it started, which ends with the script's namespace."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def judged(self, collector, recording):
        """Cases of one step, in the form of the API's."""
        argv = [collector, "judge", "--format", "json", "--lang", "en", recording]
        done = subprocess.run([str(it) for it in argv], capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Broken(f"judge {recording}: {done.stderr}")
        judged = json.loads(done.stdout)
        return [plain(case) for host in (judged if isinstance(judged, list) else [judged]) for case in host["cases"]]

    def rows(self, collector, recordings):
        """As Scenario.rows; and what nothing foresaw of level 1 or 2."""
        for step in self.steps:
            name, folder = f"{self.name} {step['name']}", recordings / self.name / step["name"]
            if not folder.exists():
                yield name, "*", "", "a recording", "-", "", "MISSING"
                continue
            cases = self.judged(collector, folder)
            for table in step.get("expect", []):
                found = next((it for it in cases if fits(table, it, None)), None)
                here = next((it for it in cases if about(table, it) and table.get("class", it["class"]) == it["class"]), None)
                came = level_of(found or here) if found or here else "-"
                yield name, table["component"], table.get("class", ""), wanted_of(table), came, "", "ok" if found else "MISSING"
            for table in step.get("never", []):
                found = next((it for it in cases if fits(table, it, None)), None)
                came = level_of(found) if found else "-"
                wanted = f"no {wanted_of(table)}"
                yield name, table["component"], table.get("class", ""), wanted, came, "", "CAME" if found else "ok"
            known = step.get("expect", []) + [{"component": it} for it in step.get("may", [])]
            for case in cases:
                if case["grade"].get("level") in (1, 2) and not any(about(it, case) for it in known):
                    yield name, case["component_name"], case["class"], "nothing", level_of(case), "", "NOT FORESEEN"


NUMBER = {"one": 1, "two": 2, "three": 3, "four": 4}


def plain(case):
    """A case as `judge` prints it, in the form of the API."""
    grade = case["decision"]["grade"]
    if isinstance(grade, dict):
        grade = {"kind": "fault", "level": NUMBER[grade["fault"]]}
    else:
        grade = {"kind": grade}
    return {**case, "grade": grade, "because": case["decision"]["because"]}


class Beside:
    """Runs the clusters one after the other on a thread of its own."""

    def __init__(self, clusters, image, agent, recordings, say):
        self.clusters, self.image, self.agent, self.recordings, self.say = clusters, image, agent, recordings, say
        self.thread, self.stopped = threading.Thread(target=self.all, daemon=True), False

    def environment(self):
        """The image's own apt settings, if it is of the machine's release: so nothing of the machine's apt is touched."""
        release = Path("/etc/os-release").read_text()
        if f"VERSION_CODENAME={self.image.suite}" not in release:
            return dict(os.environ)
        config = self.image.folder / "apt.conf"
        config.write_text("".join(f'{name} "{value}";\n' for name, value in self.image.options().items()))
        return {**os.environ, "APT_CONFIG": str(config)}

    def fetch(self):
        """Gets and unpacks the packages only."""
        for it in self.clusters:
            self.log(it).parent.mkdir(parents=True, exist_ok=True)
            status = it.script("--fetch", self.image.folder / it.name, log=self.log(it), environment=self.environment())
            if status != 0:
                raise Broken(f"{it.name}: its packages: status {status}: {self.log(it).read_text()[-1000:]}")

    def log(self, cluster):
        return self.recordings / f"{cluster.name}.log"

    def stop(self):
        self.stopped = True
        for it in self.clusters:
            it.stop()

    def all(self):
        for it in self.clusters:
            if self.stopped:
                return
            self.say(f"{it.name}: begins")
            out = self.recordings / it.name
            status = it.script(self.agent, out, self.image.folder / it.name, log=self.log(it), environment=self.environment())
            it.failed = None if status == 0 else "not done in time" if status is None else f"status {status}"
            self.say(f"{it.name}: {it.failed or 'done'}")

    def report(self, collector, line, out=print):
        """Waits for them; the number of rows that are not as they should be."""
        self.thread.join()
        bad = 0
        for it in self.clusters:
            for row in it.rows(collector, self.recordings):
                bad += row[-1] != "ok"
                out(line(row))
            if it.failed:
                bad += 1
                out(f"{it.name}: {it.failed}; the end of its log:\n{self.log(it).read_text()[-3000:]}")
        return bad
