"""The guest: QEMU with NVMe, SATA, SAS and MegaRAID disks, two disks with SMART data to order, one that can be slowed down, one
to hang, a board controller, four network cards; and the two ways to it, a shell and QEMU's own commands.

The processor is emulated, so that nothing is wanted of the machine; a boot takes some 15 s.
"""
import base64
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from .bmc import Bmc
from .errors import Broken

HERE = Path(__file__).parent.parent
DISK_BYTES = 160 << 20
IMAGES = ["nvme0", "nvme1", *(f"sata{it}" for it in range(5)), "mega0", "mega1", "mega2", "slow0",
          *(f"sas{it}" for it in range(5)), "hung0"]
# A quiet machine needs 15 s.
BOOT = 180
READY = """udevadm settle; mountpoint -q /host || {
test -b /dev/nvme0n1 && test -b /dev/disk/by-id/wwn-0x5000c50000000b01 && mkdir -p /host && modprobe 9pnet_virtio &&
mount -t 9p -o trans=virtio,ro host /host; }"""


class Guest:
    def __init__(self, image, folder, port, share, say=print):
        self.image, self.folder, self.port, self.share, self.say = image, Path(folder), port, Path(share), say
        self.bmc, self.processes, self.requests = Bmc(image, self.folder / "bmc", port), [], 0

    def up(self):
        """An emulated processor on a busy machine can lose its clock at boot: tried three times."""
        for attempt in range(3):
            try:
                self.boot()
                return
            except TimeoutError as error:
                self.say(f"boot {attempt + 1} failed: {error}")
                self.down()
        console = (self.folder / "console.log").read_text(errors="replace")[-2000:]
        raise Broken(f"the guest does not come up; the end of its console:\n{console}")

    def boot(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in IMAGES:
            path = self.folder / f"{name}.img"
            path.unlink(missing_ok=True)
            with open(path, "wb") as file:
                file.truncate(DISK_BYTES)
        for path in self.folder.glob("*.sock"):
            path.unlink()
        self.bmc.start()
        for number in (0, 1):
            self.background([sys.executable, "-m", "lab.disk", str(self.smart_port(number)), self.smart_folder(number)], f"smart{number}")
        self.listening([self.smart_port(0), self.smart_port(1)])
        self.background(self.command(), "qemu", env=self.image.environment, cwd=self.folder)
        end, last = time.time() + BOOT, None
        while time.time() < end:
            if self.processes[-1].poll() is not None:
                raise Broken(f"QEMU ended: {(self.folder / 'qemu.log').read_text()[-800:]}")
            try:
                self.run(READY, 30)
                return
            except (OSError, EOFError, RuntimeError) as error:
                last = error
                time.sleep(0.5)
        raise TimeoutError(f"its shell does not say that all is there within {BOOT} s: {last}")

    def smart_port(self, number):
        return self.port + 5 + number

    def smart_folder(self, number):
        return self.folder / f"smart{number}"

    def background(self, argv, name, **more):
        log = open(self.folder / f"{name}.log", "w")
        options = {"cwd": HERE, "stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **more}
        self.processes.append(subprocess.Popen([str(it) for it in argv], **options))

    def listening(self, ports):
        for _ in range(100):
            text = Path("/proc/net/tcp").read_text()
            if all(f"0100007F:{it:04X} 00000000:0000 0A" in text for it in ports):
                return
            time.sleep(0.1)
        logs = "".join((self.folder / f"smart{it}.log").read_text()[-500:] for it in (0, 1))
        raise Broken(f"nothing listens on {ports}: {logs}")

    def command(self):
        tools, kernel = self.image.tools, self.image.kernel / f"boot/vmlinuz-{self.image.version}"
        argv = [tools / "usr/bin/qemu-system-x86_64"]
        for it in ["qemu", "seabios"]:
            argv += ["-L", tools / "usr/share" / it]
        argv += ["-L", tools / "usr/lib/ipxe/qemu", "-name", "xunjian-lab", "-accel", os.environ.get("LAB_ACCEL", "tcg,thread=multi,tb-size=512")]
        argv += "-cpu max -machine q35 -m 1024 -smp 2 -display none -nodefaults -no-reboot".split()
        argv += ["-kernel", kernel, "-initrd", self.image.initrd, "-append",
                 "console=ttyS0 quiet systemd.show_status=0 mitigations=off panic=-1 random.trust_cpu=1 net.ifnames=0"]
        argv += ["-serial", "file:console.log", "-qmp", "unix:qmp.sock,server=on,wait=off"]
        argv += ["-drive", f"if=none,id=root,file={self.image.root},format=raw,snapshot=on", "-device", "virtio-blk-pci,drive=root"]
        argv += ["-device", "virtio-serial-pci", "-chardev", "socket,id=exec,path=exec.sock,server=on,wait=off"]
        argv += ["-device", "virtserialport,chardev=exec,name=lab.exec", "-device", "virtio-rng-pci"]
        argv += ["-virtfs", f"local,path={self.share},mount_tag=host,security_model=none,readonly=on"]
        # The first card leads to the collector on this machine's loopback (10.0.2.2), the others to nothing.
        for number in range(4):
            argv += ["-netdev", f"user,id=net{number},net=10.0.{2 + number}.0/24,restrict={'on' if number else 'off'}"]
            argv += ["-device", f"e1000e,netdev=net{number},id=nic{number},mac=52:54:00:00:00:0{number + 1},romfile="]
        for number in (0, 1):
            argv += ["-blockdev", f"driver=raw,node-name=dnvme{number},file.driver=file,file.filename=nvme{number}.img"]
            argv += ["-device", f"pcie-root-port,id=rp{number},chassis={10 + number},slot={10 + number}"]
            argv += ["-device", f"nvme,id=nvme{number},serial=LABNVME{number},drive=dnvme{number},bus=rp{number}"]
        for number in range(5):
            argv += ["-drive", f"if=none,id=dsata{number},file=sata{number}.img,format=raw", "-device",
                     f"ide-hd,id=sata{number},bus=ide.{number},drive=dsata{number},serial=LABSATA{number},model=LABDISK,"
                     f"rotation_rate=7200,wwn=0x5000c50000000a0{number}"]
        argv += ["-device", "megasas-gen2,id=hba0"]
        for number, place in ((0, 0), (1, 1), (2, 3)):
            argv += ["-drive", f"if=none,id=dmega{number},file=mega{number}.img,format=raw", "-device",
                     f"scsi-hd,id=mega{number},bus=hba0.0,scsi-id={place},drive=dmega{number},serial=LABMEGA{number},"
                     f"wwn=0x5000c50000000b0{number}"]
        argv += ["-device", "virtio-scsi-pci,id=vs0", "-iscsi", "initiator-name=iqn.2024-01.lab:qemu"]
        for place, name in enumerate(["slow0", *(f"sas{it}" for it in range(5)), "hung0"]):
            argv += ["-drive", f"if=none,id=d{name},file={name}.img,format=raw", "-device",
                     f"scsi-hd,id={name},bus=vs0.0,scsi-id={5 + place},drive=d{name},serial=LAB{name.upper()},"
                     f"wwn=0x5000c50000000d0{place},rotation_rate=7200"]
        for number, bus in ((0, "bus=vs0.0"), (1, "bus=hba0.0,scsi-id=2")):
            address = f"iscsi://127.0.0.1:{self.smart_port(number)}/iqn.2024-01.lab:smart0/0"
            argv += ["-drive", f"if=none,id=dsmart{number},format=raw,file={address}", "-device", f"scsi-block,id=smart{number},drive=dsmart{number},{bus}"]
        argv += ["-chardev", f"socket,id=ipmi0,host=127.0.0.1,port={self.port},reconnect-ms=500", "-device",
                 "ipmi-bmc-extern,id=bmc0,chardev=ipmi0", "-device", "isa-ipmi-kcs,bmc=bmc0"]
        return argv

    def connect(self, name, limit):
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(limit)
        stream.connect(str(self.folder / f"{name}.sock"))
        return stream

    def run(self, script, limit=120):
        """Runs a shell script in the guest; its output. RuntimeError if it fails."""
        self.requests += 1
        name, end = f"{os.getpid()}-{self.requests}", time.time() + limit
        with self.connect("exec", limit) as stream:
            stream.sendall(f"{name} {base64.b64encode(script.encode()).decode()}\n".encode())
            buffer = b""
            while True:
                while b"\n" in buffer:
                    line, buffer = buffer.split(b"\n", 1)
                    part = line.decode(errors="replace").split(" ")
                    if part[0] == name:
                        output = base64.b64decode(part[2]).decode(errors="replace") if len(part) > 2 else ""
                        if part[1] != "0":
                            raise RuntimeError(f"status {part[1]} of:\n{script}\n{output}")
                        return output
                stream.settimeout(max(0.1, end - time.time()))
                data = stream.recv(65536)
                if not data:
                    raise EOFError
                buffer += data

    def qmp(self, command, arguments=None):
        """One of QEMU's commands; its answer. RuntimeError if it is refused."""
        with self.connect("qmp", 60) as stream:
            file = stream.makefile("rw")
            file.readline()
            for it in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments or {}}):
                file.write(json.dumps(it) + "\n")
                file.flush()
                answer = {"event": ""}
                while "event" in answer:
                    answer = json.loads(file.readline() or '{"error": "QEMU is gone"}')
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']}")
            return answer["return"]

    def freeze(self, frozen=True):
        """Stops the guest's processors, or lets them go on."""
        self.qmp("stop" if frozen else "cont")

    def down(self):
        try:
            self.qmp("quit")
        except (OSError, RuntimeError, ValueError):
            pass
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []
        self.bmc.stop()
