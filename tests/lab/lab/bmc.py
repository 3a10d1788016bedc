"""A board management controller: ipmi_sim with sensors whose raw values are read from files.

`BMC.set("FAN1", 5)` changes one while the guest looks. Discrete sensors take their state bits.
"""
import signal
import subprocess
import time
from pathlib import Path

from .errors import Broken

# number, name, sensor type, entity, instance, unit, factor, exponent, first raw value, thresholds (raw)
ANALOG = [
    (1, "CPU1 Temp", 1, 3, 1, 1, 1, 0, 45, {"unc": 85, "uc": 95, "unr": 105}),
    (2, "Inlet Temp", 1, 55, 1, 1, 1, 0, 24, {"unc": 38, "uc": 42, "unr": 47}),
    (3, "FAN1", 4, 29, 1, 18, 60, 0, 80, {"lnr": 8, "lc": 10, "lnc": 12}),
    (4, "FAN2", 4, 29, 2, 18, 60, 0, 81, {"lnr": 8, "lc": 10, "lnc": 12}),
    (5, "PSU1 Power", 8, 10, 1, 6, 4, 0, 52, {"unc": 200, "uc": 220}),
    (6, "12V", 2, 7, 1, 4, 63, -3, 190, {"lc": 171, "lnc": 178, "unc": 203, "uc": 209}),
]
# number, name, sensor type, entity, instance, first state bits, supported state bits (IPMI 2.0 table 42-3)
DISCRETE = [
    (16, "PSU1 Status", 8, 10, 1, 0b1, 0b1011),
    (17, "PSU2 Status", 8, 10, 2, 0b1, 0b1011),
    (18, "DIMM A1", 0x0C, 32, 1, 0b1000000, 0b1100011),
]
ORDER = ["lnc", "lc", "lnr", "unc", "uc", "unr"]
EVENT = {"lnc": 0, "lc": 2, "lnr": 4, "unc": 7, "uc": 9, "unr": 11}


def words(values):
    return " ".join(f"0x{it:02x}" for it in values)


class Bmc:
    def __init__(self, image, folder, port):
        self.image, self.folder, self.port, self.process = image, Path(folder), port, None

    def set(self, sensor, value):
        path = self.folder / "sensors" / sensor.replace(" ", "_")
        if not path.exists():
            raise Broken(f"the board has no sensor {sensor!r}")
        path.write_text(f"{value}\n")

    def hang(self, hangs=True):
        """It answers nothing any more, or goes on."""
        self.process.send_signal(signal.SIGSTOP if hangs else signal.SIGCONT)

    def start(self):
        for it in ["sensors", "state"]:
            (self.folder / it).mkdir(parents=True, exist_ok=True)
        (self.folder / "lab.emu").write_text("\n".join(self.commands()) + "\n")
        (self.folder / "lan.conf").write_text(self.config())
        log = open(self.folder / "sim.log", "w")
        self.process = subprocess.Popen(
            [self.image.tools / "usr/bin/ipmi_sim", "-c", "lan.conf", "-f", "lab.emu", "-s", self.folder / "state", "-n"],
            cwd=self.folder, env=self.image.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )
        # A connection made only to look kills it, so the kernel's table is asked.
        wanted = f"0100007F:{self.port:04X} 00000000:0000 0A"
        for _ in range(50):
            if wanted in Path("/proc/net/tcp").read_text():
                return
            time.sleep(0.2)
        raise Broken(f"ipmi_sim does not listen: {(self.folder / 'sim.log').read_text()[-500:]}")

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def record(self, number, kind, body):
        data = [number & 255, number >> 8, 0x51, kind, len(body), *body]
        return "main_sdr_add 0x20 " + words(data)

    def commands(self):
        lines = [
            "mc_setbmc 0x20", "mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02", "sel_enable 0x20 1000 0x0a",
        ]
        text = lambda name: [0xC0 | len(name), *name.encode()]
        number = 1
        for num, name, kind, entity, instance, unit, factor, exponent, first, limits in ANALOG:
            readable = sum(1 << ORDER.index(it) for it in limits)
            events = sum(1 << EVENT[it] for it in limits)
            low, high = events & 255, events >> 8
            body = [0x20, 0, num, entity, instance, 0x7F, 0x68, kind, 1, low, high, low, high, readable, readable, 0, unit]
            body += [0, 0, factor & 255, (factor >> 8) << 6, 0, 0, 0, (exponent & 15) << 4, 0, first, 0, 0, 255, 0]
            body += [limits.get(it, 0) for it in ["unr", "uc", "unc", "lnr", "lc", "lnc"]] + [1, 1, 0, 0, 0]
            lines += [self.record(number, 1, body + text(name)), *self.sensor(num, name, kind, "1", first)]
            lines.append(f"sensor_set_value 0x20 0 {num} {first} 0")
            enabled = "".join("1" if ORDER[it] in limits else "0" for it in range(5, -1, -1))
            values = words(limits.get(it, 0) for it in ["unr", "uc", "unc", "lnr", "lc", "lnc"])
            lines.append(f"sensor_set_threshold 0x20 0 {num} settable {enabled} {values}")
            lines.append(self.events(num, events))
            number += 1
        for num, name, kind, entity, instance, first, mask in DISCRETE:
            body = [0x20, 0, num, entity, instance, 0x67, 0x40, kind, 0x6F, *[mask & 255, mask >> 8] * 3]
            body += [0xC0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
            lines += [self.record(number, 2, body + text(name)), *self.sensor(num, name, kind, "0x6f", first)]
            lines += [f"sensor_set_bit 0x20 0 {num} {it} 1 0" for it in range(15) if first >> it & 1]
            lines.append(self.events(num, mask))
            number += 1
        return [*lines, "mc_enable 0x20"]

    def sensor(self, num, name, kind, code, first):
        path = self.folder / "sensors" / name.replace(" ", "_")
        path.write_text(f"{first}\n")
        return [f'sensor_add 0x20 0 {num} {kind} {code} poll 500 file "{path}"']

    def events(self, num, mask):
        bits = "".join("1" if mask >> it & 1 else "0" for it in range(14, -1, -1))
        return f"sensor_set_event_support 0x20 0 {num} enable scanning per-state {bits} {bits} {bits} {bits}"

    def config(self):
        allowed = "\n".join(f"    allowed_auths_{it} none md2 md5 straight" for it in ["callback", "user", "operator", "admin"])
        return f"""name "lab"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {self.port + 2}
    priv_limit admin
{allowed}
    guid a123456789abcdefa123456789abcdef
  endlan
  serial kcs 127.0.0.1 {self.port} codec VM
  user 1 true  ""        "test" user 10 none md2 md5 straight
  user 2 true  "lab"  "lab" admin 10 none md2 md5 straight
console 127.0.0.1 {self.port + 1}
"""
