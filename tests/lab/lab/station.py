"""The collector, outside the guest, and what it knows: asked over its own API, as a person's tool would."""
import http.cookiejar
import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

RULES = Path(__file__).resolve().parents[3] / "rules/library"
# A silent host is told after five minutes; the laboratory has no patience for that.
PATIENCE = ('{ silent = "5m" }', '{ silent = "90s" }')


class Station:
    def __init__(self, program, folder, port):
        self.program, self.folder, self.port, self.process = Path(program), Path(folder), port, None
        jar = http.cookiejar.CookieJar()
        self.web = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def start(self):
        (self.folder / "rules").mkdir(parents=True)
        for rules in RULES.glob("*.toml"):
            (self.folder / "rules" / rules.name).write_text(rules.read_text().replace(*PATIENCE))
        (self.folder / "collector.toml").write_text(
            f'folder = "{self.folder}/store"\nrules = "{self.folder}/rules"\n\n[agents]\n'
            f'listen = "127.0.0.1:{self.port}"\nnames = ["localhost", "127.0.0.1", "10.0.2.2"]\n\n'
            f'[web]\nlisten = "127.0.0.1:{self.port + 1}"\n'
        )
        out, log = open(self.folder / "out", "w"), open(self.folder / "log", "w")
        self.process = subprocess.Popen(
            [self.program, "serve", "--config", self.folder / "collector.toml"], stdout=out, stderr=log
        )
        self.ask("wait-ready", "--pid", str(self.process.pid))
        for _ in range(50):
            found = re.search(r"^first password: (\S+)", (self.folder / "out").read_text(), re.M)
            if found:
                break
            time.sleep(0.1)
        form = urllib.parse.urlencode({"login": "admin", "password": found.group(1), "next": "/"}).encode()
        self.web.open(f"http://127.0.0.1:{self.port + 1}/login", form, timeout=30).read()

    def ask(self, command, *argv):
        argv = [self.program, command, "--config", self.folder / "collector.toml", *argv]
        done = subprocess.run([str(it) for it in argv], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"lab: {' '.join(str(it) for it in argv)}: {done.stderr}")
        return done.stdout.strip()

    def get(self, what):
        with self.web.open(f"http://127.0.0.1:{self.port + 1}/api/v1/{what}", timeout=30) as answer:
            return json.load(answer)[what]

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(20)
