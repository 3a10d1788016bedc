"""The collector, outside the guest, and what it knows: asked over its own API, as a person's tool would."""
import http.cookiejar
import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from .errors import Broken

RULES = Path(__file__).resolve().parents[3] / "rules/library"
# The laboratory has no patience: only how long something must hold, and how far back is looked, is shorter than in the
# library; never a condition or a limit.
HOLDS = (re.compile(r'^for = "\d+m"$', re.M), 'for = "30s"')
PATIENCE = [
    ("source", '{ silent = "5m" }', '{ silent = "60s" }'),
    ("block", 'rise_in = "30m"', 'rise_in = "1m"'),
    ("block", 'rise_in = "3m"', 'rise_in = "1m"'),
]


def hurried(name, text):
    """A rule file as the laboratory uses it."""
    for rules, long, short in PATIENCE:
        if rules == name:
            if long not in text:
                raise Broken(f"{name}.toml does not say {long}: the laboratory's shorter periods do not fit it any more")
            text = text.replace(long, short)
    return HOLDS[0].sub(HOLDS[1], text)


class Station:
    def __init__(self, program, folder, port):
        self.program, self.folder, self.port, self.process = Path(program), Path(folder), port, None
        jar = http.cookiejar.CookieJar()
        self.web = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        self.away = False

    def start(self):
        (self.folder / "rules").mkdir(parents=True)
        for rules in RULES.glob("*.toml"):
            (self.folder / "rules" / rules.name).write_text(hurried(rules.stem, rules.read_text()))
        (self.folder / "collector.toml").write_text(
            f'folder = "{self.folder}/store"\nrules = "{self.folder}/rules"\n\n[agents]\n'
            f'listen = "127.0.0.1:{self.port}"\nnames = ["localhost", "127.0.0.1", "10.0.2.2"]\n\n'
            f'[web]\nlisten = "127.0.0.1:{self.port + 1}"\n'
        )
        self.serve()

    def serve(self):
        """Starts it on its folder, and logs in."""
        out, log = open(self.folder / "out", "a"), open(self.folder / "log", "a")
        self.process = subprocess.Popen(
            [self.program, "serve", "--config", self.folder / "collector.toml"], stdout=out, stderr=log
        )
        self.ask("wait-ready", "--pid", str(self.process.pid))
        self.away = False
        for _ in range(100):
            found = re.search(r"^first password: (\S+)", (self.folder / "out").read_text(), re.M)
            if found:
                break
            time.sleep(0.1)
        else:
            raise Broken("the collector prints no first password")
        form = urllib.parse.urlencode({"login": "admin", "password": found.group(1), "next": "/"}).encode()
        self.web.open(f"http://127.0.0.1:{self.port + 1}/login", form, timeout=30).read()

    def kill(self):
        """Ends it at once, as a machine that loses its power does; `serve` starts it again."""
        self.process.kill()
        self.process.wait()
        self.away = True

    def ask(self, command, *argv):
        argv = [self.program, command, "--config", self.folder / "collector.toml", *argv]
        done = subprocess.run([str(it) for it in argv], capture_output=True, text=True, timeout=120)
        if done.returncode:
            log = (self.folder / "log").read_text()[-2000:]
            raise Broken(f"{' '.join(str(it) for it in argv)}: {done.stderr}\n{log}")
        return done.stdout.strip()

    def get(self, what):
        """What the API tells; asked again if the machine is too busy to answer at once."""
        for attempt in range(4):
            try:
                with self.web.open(f"http://127.0.0.1:{self.port + 1}/api/v1/{what}", timeout=30) as answer:
                    return json.load(answer)[what]
            except (OSError, ValueError) as error:
                last = error
                time.sleep(2 * attempt)
        log = (self.folder / "log").read_text()[-2000:]
        raise Broken(f"the collector does not answer about {what}: {last}\n{log}")

    def inspect(self, source):
        """Presses the button of the host's page, for one source."""
        pages = f"http://127.0.0.1:{self.port + 1}"
        page = f"{pages}/hosts/{self.get('hosts')[0]['agent']}"
        with self.web.open(page, timeout=30) as answer:
            csrf = re.search(r'name="csrf" value="([^"]+)"', answer.read().decode()).group(1)
        form = urllib.parse.urlencode({"csrf": csrf, "source": source}).encode()
        self.web.open(page, form, timeout=30).read()

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
