"""An ATA disk behind SAT whose SMART data come from a file: an iSCSI target on loopback for QEMU's scsi-block.

`python3 -m lab.disk PORT FOLDER`: FOLDER/smart.json is read at every command, so changing it injects the fault. Facts:
RFC 7143 (iSCSI), SAT-4 (ATA PASS-THROUGH), ACS-3 (IDENTIFY DEVICE, SMART). Sense is given in fixed format, because QEMU
turns descriptors into fixed format and loses the ATA registers in them.
"""
import json
import os
import socket
import struct
import sys
import threading
import time
from pathlib import Path

SIZE = 160 << 20
SECTORS = SIZE // 512
ATTRIBUTES = {  # number: [value, worst, threshold, raw]
    "1": [100, 100, 51, 0], "3": [98, 98, 21, 4100], "4": [100, 100, 0, 42], "5": [100, 100, 10, 0],
    "7": [100, 100, 0, 0], "9": [95, 95, 0, 18230], "10": [100, 100, 0, 0], "12": [100, 100, 0, 41],
    "187": [100, 100, 0, 0], "188": [100, 100, 0, 0], "194": [66, 55, 0, 34], "196": [100, 100, 0, 0],
    "197": [100, 100, 0, 0], "198": [100, 100, 0, 0], "199": [100, 100, 0, 0],
}
HEALTHY = {
    "model": "LAB SMARTDISK 4000", "serial": "LABSMART", "firmware": "LAB1", "failing": False, "rpm": 7200, "hang": 0,
    "attributes": ATTRIBUTES, "errors": 0, "selftest": "ok", "bad_lba": [],
}
GOOD, CHECK = 0, 2


def change(folder, **what):
    """Changes the disk's answers: `attributes` are merged, everything else is replaced."""
    path = Path(folder) / "smart.json"
    known = {**HEALTHY, **json.loads(path.read_text())}
    known["attributes"] = {**known["attributes"], **what.pop("attributes", {})}
    known.update(what)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(known))
    os.replace(part, path)


def sense(key, code, qualifier=0):
    data = bytearray(18)
    data[0], data[2], data[7], data[12], data[13] = 0x70, key, 10, code, qualifier
    return CHECK, b"", bytes(data)


def registers(status, error, middle=0, high=0, count=0):
    key = 0xB if status & 1 else 1
    return CHECK, b"", bytes([0x70, 0, key, error, status, 0, count, 10, 0, 0, middle, high, 0, 0x1D, 0, 0, 0, 0])


def checked(data):
    """With the byte that makes the sum of all 512 zero."""
    data[511] = 0
    data[511] = -sum(data) & 255
    return bytes(data)


class Disk:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / "smart.json"
        if not self.path.exists():
            self.path.write_text(json.dumps({"serial": f"LAB{self.folder.name.upper()}"}))
        file = self.folder / "disk.img"
        with open(file, "ab") as out:
            out.truncate(SIZE)
        self.file = os.open(file, os.O_RDWR)

    def known(self):
        known = {**HEALTHY, **json.loads(self.path.read_text())}
        if known["hang"]:
            time.sleep(known["hang"])
        return known

    def identify(self, known):
        data = bytearray(512)
        word = lambda at, value: struct.pack_into("<H", data, at * 2, value & 0xFFFF)

        def text(at, length, value):
            value = value.ljust(length)[:length].encode()
            for it in range(0, length, 2):
                data[at * 2 + it], data[at * 2 + it + 1] = value[it + 1], value[it]

        text(10, 20, known["serial"])
        text(23, 8, known["firmware"])
        text(27, 40, known["model"])
        for at, value in {
            0: 0x40, 1: 16383, 3: 16, 6: 63, 47: 0x8010, 49: 0x0F00, 53: 6, 60: SECTORS, 61: SECTORS >> 16, 63: 7,
            64: 3, 75: 31, 76: 0x106, 80: 0x01F0, 82: 0x4021, 83: 0x7400, 84: 0x4103, 85: 0x4021, 86: 0x3400,
            87: 0x4103, 88: 0x407F, 108: 0x5000, 109: 0xC500, 110: 0xDEAD, 111: self.last(known), 217: known["rpm"], 222: 0x107F,
        }.items():
            word(at, value)
        for it in range(4):
            word(100 + it, SECTORS >> (16 * it))
        data[510] = 0xA5
        return checked(data)

    def last(self, known):
        """The last word of its world-wide name: two disks must not bear the same."""
        return 0xBEE0 + ord(known["serial"][-1]) % 16

    def attributes(self, known):
        return sorted((int(number), it) for number, it in known["attributes"].items())

    def smart_data(self, known):
        data = bytearray(512)
        data[0] = 16
        for place, (number, (value, worst, limit, raw)) in enumerate(self.attributes(known)):
            at = 2 + 12 * place
            data[at] = number
            struct.pack_into("<H", data, at + 1, 3 if limit else 0x32)
            data[at + 3], data[at + 4] = value, worst
            data[at + 5 : at + 11] = raw.to_bytes(6, "little")
        data[362], data[363] = 0x82, 0x70 if known["selftest"] == "fail" else 0
        struct.pack_into("<H", data, 364, 600)
        data[367], data[368], data[370], data[372], data[373] = 0x5B, 3, 1, 2, 120
        return checked(data)

    def thresholds(self, known):
        data = bytearray(512)
        data[0] = 16
        for place, (number, it) in enumerate(self.attributes(known)):
            data[2 + 12 * place], data[3 + 12 * place] = number, it[2]
        return checked(data)

    def log(self, known, number):
        data = bytearray(512)
        if number == 0:
            data[0] = data[2] = data[12] = 1
            return bytes(data)
        if number == 1:
            data[0], data[1] = 1, min(known["errors"], 1)
            struct.pack_into("<H", data, 452, known["errors"])
            if known["errors"]:
                data[62:74] = bytes([0, 0x40, 8, 0, 0x10, 0, 0, 0xE0, 0x51, 0x40, 0, 0])
                data[63], data[69], data[89] = 0x40, 0x51, 3
            return checked(data)
        if number == 6:
            data[0] = 1
            if known["selftest"] == "fail":
                data[2], data[3], data[508] = 1, 0x70, 1
                struct.pack_into("<H", data, 4, 100)
                struct.pack_into("<I", data, 7, 4660)
            return checked(data)
        return None

    def ata(self, cdb):
        if cdb[0] == 0x85:
            feature, low, command, wanted = cdb[4], cdb[8], cdb[14], cdb[2] & 0x20
        else:
            feature, low, command, wanted = cdb[3], cdb[5], cdb[9], cdb[2] & 0x20
        known, data = self.known(), b""
        if command == 0xEC:
            data = self.identify(known)
        elif command == 0xE5:
            return registers(0x50, 0, count=0xFF)
        elif command == 0xB0 and feature in (0xD0, 0xD1):
            data = self.smart_data(known) if feature == 0xD0 else self.thresholds(known)
        elif command == 0xB0 and feature == 0xD5:
            data = self.log(known, low)
            if data is None:
                return registers(0x51, 4)
        elif command == 0xB0 and feature == 0xDA:
            return registers(0x50, 0, *((0xF4, 0x2C) if known["failing"] else (0x4F, 0xC2)))
        elif not (command == 0xB0 and feature in (0xD8, 0xD2, 0xD4, 0xDB)) and command not in (0xEA, 0xE7, 0xE0, 0xE1):
            return registers(0x51, 4)
        return (CHECK, data, registers(0x50, 0)[2]) if wanted else (GOOD, data, b"")

    def inquiry(self, cdb):
        known = self.known()
        if not cdb[1] & 1:
            data = bytearray(96)
            data[2:5], data[7] = bytes([6, 2, 91]), 2
            data[8:16], data[16:32] = b"ATA     ", known["model"].encode().ljust(16)[:16]
            data[32:36], data[58:60] = known["firmware"].encode().ljust(4)[:4], b"\x04\x60"
            return bytes(data)
        page = {
            0x00: bytes([0, 0x80, 0x83, 0x89, 0xB0, 0xB1]),
            0x80: known["serial"].encode().ljust(20),
            0x83: bytes([1, 3, 0, 8]) + bytes.fromhex("5000c500dead") + struct.pack(">H", self.last(known)),
            0x89: bytes(4) + b"LINUX   libata          1.00" + bytes(20) + bytes([0xEC, 0, 0, 0]) + self.identify(known),
            0xB0: bytes(60),
            0xB1: struct.pack(">H", known["rpm"]) + bytes(58),
        }.get(cdb[2])
        return None if page is None else struct.pack(">BBH", 0, cdb[2], len(page)) + page

    def scsi(self, cdb, written):
        """Status, data, sense of one command."""
        code = cdb[0]
        if code in (0x85, 0xA1):
            return self.ata(cdb)
        if code == 0x12:
            data = self.inquiry(cdb)
            return sense(5, 0x24) if data is None else (GOOD, data[: struct.unpack(">H", cdb[3:5])[0]], b"")
        plain = {
            0x00: b"", 0x03: sense(0, 0)[2], 0x1A: bytes([3, 0, 0, 0]), 0x1B: b"", 0x25: struct.pack(">II", SECTORS - 1, 512),
            0x35: b"", 0x5A: bytes([0, 6, 0, 0, 0, 0, 0, 0]), 0x91: b"", 0xA0: struct.pack(">II", 8, 0) + bytes(8),
        }
        if code in plain:
            return GOOD, plain[code], b""
        if code == 0x9E and cdb[1] & 31 == 0x10:
            return GOOD, (struct.pack(">QI", SECTORS - 1, 512) + bytes(20))[: struct.unpack(">I", cdb[10:14])[0]], b""
        if code in (0x28, 0x2A):
            first, count = struct.unpack(">I", cdb[2:6])[0], struct.unpack(">H", cdb[7:9])[0]
        elif code in (0x88, 0x8A):
            first, count = struct.unpack(">QI", cdb[2:14])
        else:
            return sense(5, 0x20)
        if first + count > SECTORS:
            return sense(5, 0x21)
        if code in (0x2A, 0x8A):
            os.pwrite(self.file, written, first * 512)
            return GOOD, b"", b""
        if any(first <= it < first + count for it in self.known()["bad_lba"]):
            return sense(3, 0x11, 4)
        return GOOD, os.pread(self.file, count * 512, first * 512), b""


class Session:
    """One iSCSI connection."""

    def __init__(self, stream, disk, port):
        self.stream, self.disk, self.port, self.status, self.commands, self.pending = stream, disk, port, 1, 0, {}

    def take(self, count):
        data = b""
        while len(data) < count:
            part = self.stream.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def send(self, head, data=b""):
        head[5:8] = len(data).to_bytes(3, "big")
        self.stream.sendall(bytes(head) + data + bytes(-len(data) % 4))

    def head(self, code, flags, task):
        head = bytearray(48)
        head[0], head[1] = code, flags
        struct.pack_into(">I", head, 16, task)
        struct.pack_into(">III", head, 24, self.status, self.commands, self.commands + 64)
        return head

    def finish(self, task, cdb, written, expected, reads):
        status, data, said = self.disk.scsi(cdb, written)
        data = data[:expected] if reads else b""
        for at in range(0, len(data), 65536):
            part, last = data[at : at + 65536], at + 65536 >= len(data)
            head = self.head(0x25, 0x80 if last else 0, task)
            struct.pack_into(">II", head, 20, 0xFFFFFFFF, 0)
            struct.pack_into(">II", head, 36, at // 65536, at)
            self.send(head, part)
        left = expected - (len(data) if reads else len(written))
        head = self.head(0x21, 0x80 | (2 if left > 0 else 0), task)
        head[3] = status
        struct.pack_into(">I", head, 44, max(left, 0))
        self.send(head, struct.pack(">H", len(said)) + said if said else b"")
        self.status += 1

    def login(self, head, task, data):
        if head[0] & 0x40:
            self.commands = struct.unpack(">I", head[24:28])[0]
        wanted = dict(it.split("=", 1) for it in data.decode().split("\0") if "=" in it)
        fixed = {
            "HeaderDigest": "None", "DataDigest": "None", "InitialR2T": "Yes", "ImmediateData": "No",
            "MaxRecvDataSegmentLength": "262144", "DefaultTime2Retain": "0", "MaxOutstandingR2T": "1",
            "MaxConnections": "1", "ErrorRecoveryLevel": "0", "DataPDUInOrder": "Yes", "DataSequenceInOrder": "Yes",
            "AuthMethod": "None", "IFMarker": "No", "OFMarker": "No",
        }
        answers = [f"{key}={fixed[key]}" for key in wanted if key in fixed]
        same = ("MaxBurstLength", "FirstBurstLength", "DefaultTime2Wait")
        answers += [f"{key}={value}" for key, value in wanted.items() if key in same]
        if "TargetName" in wanted or head[1] >> 2 & 3 == 0:
            answers.append("TargetPortalGroupTag=1")
        reply = self.head(0x23, head[1] & 0x8F, task)
        reply[8:16] = head[8:14] + b"\0\1"
        self.status += 1
        self.send(reply, ("\0".join(answers) + "\0").encode() if answers else b"")

    def one(self):
        """One request; false at the end of the session."""
        head = self.take(48)
        length = int.from_bytes(head[5:8], "big")
        self.take(head[4] * 4)
        data = self.take(length + -length % 4)[:length]
        code, task = head[0] & 0x3F, struct.unpack(">I", head[16:20])[0]
        if code != 5 and not head[0] & 0x40:
            self.commands = struct.unpack(">I", head[24:28])[0] + 1
        if code == 3:
            self.login(head, task, data)
        elif code == 1:
            cdb, expected = head[32:48], struct.unpack(">I", head[20:24])[0]
            if head[1] & 0x20 and len(data) < expected:
                ready = self.head(0x31, 0x80, task)
                struct.pack_into(">I", ready, 20, task)
                struct.pack_into(">III", ready, 36, 0, len(data), expected - len(data))
                self.send(ready)
                self.pending[task] = [cdb, bytearray(data), expected]
            else:
                self.finish(task, cdb, data, expected, head[1] & 0x40)
        elif code == 5:
            waiting = self.pending[task]
            waiting[1] += data
            if len(waiting[1]) >= waiting[2]:
                del self.pending[task]
                self.finish(task, waiting[0], bytes(waiting[1]), waiting[2], 0)
        elif code == 0 and task != 0xFFFFFFFF:
            reply = self.head(0x20, 0x80, task)
            struct.pack_into(">I", reply, 20, 0xFFFFFFFF)
            self.status += 1
            self.send(reply, data)
        elif code in (2, 4, 6):
            reply = self.head({2: 0x22, 4: 0x24, 6: 0x26}[code], 0x80, task)
            text = f"TargetName=iqn.2024-01.lab:smart0\0TargetAddress=127.0.0.1:{self.port},1\0".encode()
            struct.pack_into(">I", reply, 20, 0xFFFFFFFF)
            self.send(reply, text if code == 4 else b"")
            self.status += 1
        return code != 6

    def serve(self):
        try:
            while self.one():
                pass
        except (EOFError, OSError):
            pass
        finally:
            self.stream.close()


def main():
    port, disk = int(sys.argv[1]), Disk(sys.argv[2])
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind(("127.0.0.1", port))
    door.listen()
    while True:
        stream, _ = door.accept()
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=Session(stream, disk, port).serve, daemon=True).start()


if __name__ == "__main__":
    main()
