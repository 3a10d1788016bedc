"""The guest's image, made of Debian packages. Nothing is installed on this machine: each package is unpacked in a folder.

QEMU comes from backports when the release's own is older than 8: with an older one the board controller's socket does not
reconnect. Needs root (a chroot for depmod), apt-get, dpkg-deb, perl, mkfs.ext4, gzip, python3.
"""
import fcntl
import os
import re
import shutil
import subprocess
from pathlib import Path

from .errors import Cannot

GUEST = (
    "systemd systemd-sysv udev dbus kmod mdadm smartmontools nvme-cli ipmitool btrfs-progs e2fsprogs xfsprogs dmsetup "
    "lvm2 sg3-utils sdparm iproute2 procps util-linux mount pciutils ethtool passwd login"
).split()
HOST = "mmdebstrap openipmi libpopt0 libopenipmi0 ipmitool libfreeipmi17 libsnmp40 busybox-static libiscsi7".split()
# Parts of the kernel's modules that the guest needs; the others stay out, which makes the image a fifth.
MODULES = (
    "arch/x86/crypto arch/x86/kernel crypto lib block fs/ext4 fs/jbd2 fs/mbcache.ko fs/btrfs fs/xfs fs/9p fs/netfs "
    "fs/fscache fs/fuse net/9p net/core net/802 net/llc net/bridge net/failover drivers/md drivers/nvme drivers/ata "
    "drivers/scsi drivers/message drivers/char/ipmi drivers/char/virtio_console.ko drivers/char/hw_random drivers/edac "
    "drivers/ras drivers/hwmon drivers/i2c drivers/block drivers/virtio drivers/net/virtio_net.ko "
    "drivers/net/net_failover.ko drivers/net/bonding drivers/net/ethernet/intel/e1000e drivers/acpi drivers/watchdog "
    "drivers/ptp drivers/pps drivers/thermal net/tls mm"
).split()
MASKED = (
    "e2scrub_reap.service smartmontools.service systemd-pstore.service nvmefc-boot-connections.service "
    "nvmf-autoconnect.service getty@tty1.service serial-getty@ttyS0.service e2scrub_all.timer apt-daily.timer "
    "apt-daily-upgrade.timer fstrim.timer dpkg-db-backup.timer mdcheck_start.timer mdcheck_continue.timer "
    "mdmonitor-oneshot.timer mdmonitor.service"
).split()
EXECD = """#!/bin/bash
# One request a line, ID BASE64SCRIPT; the answer is ID STATUS BASE64OUTPUT. The port stays open: what is sent to a closed
# one is lost.
exec 3<>/dev/virtio-ports/lab.exec
while :; do
  while read -r id script <&3; do
    base64 -d <<<"$script" > /run/lab.sh
    timeout -k 5 300 bash /run/lab.sh > /run/lab.out 2>&1 </dev/null; status=$?
    printf '%s %s %s\\n' "$id" "$status" "$(base64 -w0 /run/lab.out)" >&3
  done
  sleep 0.1
done
"""
EXECD_UNIT = """[Unit]
Description=control channel of the laboratory
DefaultDependencies=no
Requires=dev-virtio\\x2dports-lab.exec.device
After=dev-virtio\\x2dports-lab.exec.device
[Service]
ExecStart=/usr/local/sbin/lab-execd
Environment=HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
Restart=always
OOMScoreAdjust=-900
"""
INIT = """#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc p /proc; $B mount -t devtmpfs d /dev; $B mount -t sysfs s /sys
for m in $($B cat /m/list); do $B insmod /m/$m; done
i=0; while [ ! -b /dev/vda ] && [ $i -lt 100 ]; do $B sleep 0.1; i=$((i+1)); done
$B mount -t ext4 /dev/vda /newroot || exec $B sh
$B mount --move /dev /newroot/dev; $B umount /proc; $B umount /sys; exec $B switch_root /newroot /sbin/init
"""


def run(*argv, **more):
    return subprocess.run([str(it) for it in argv], check=True, **more)


def uri(pattern):
    """The machine's own Debian source whose address fits."""
    text = ""
    for path in [*Path("/etc/apt/sources.list.d").glob("*"), Path("/etc/apt/sources.list")]:
        if path.is_file():
            text += path.read_text(errors="replace") + "\n"
    found = re.findall(r"^URIs:\s*(.*)$", text, re.M) + re.findall(r"^deb (?:\[[^]]*\] )?(\S+)", text, re.M)
    return next((it for line in found for it in line.split() if re.search(pattern, it)), None)


class Image:
    """`folder` keeps everything, so that a second start builds nothing."""

    def __init__(self, folder, suite="bookworm", say=print):
        self.folder, self.suite, self.say = Path(folder), suite, say
        self.tools, self.kernel = self.folder / "tools", self.folder / "kernel"
        self.root, self.initrd = self.folder / "root.img", self.folder / "initrd.gz"

    def build(self):
        """Makes what is not there yet. One process at a time: a second one waits for it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                if self.stale("packages", HOST) or not (self.folder / "fetched").exists():
                    self.fetch()
                    self.fresh("packages", HOST)
                if self.stale("guest", GUEST):
                    (self.folder / "rootfs.tar").unlink(missing_ok=True)
                    self.fresh("guest", GUEST)
                if self.stale("image", Path(__file__).read_text()) or not self.root.exists():
                    self.make()
                    self.fresh("image", Path(__file__).read_text())
            except subprocess.CalledProcessError as error:
                raise Cannot(f"the guest cannot be made of Debian packages: {error}") from error
        return self

    def stale(self, name, recipe):
        """What was made by another recipe is made again."""
        path = self.folder / f"{name}.recipe"
        return not path.exists() or path.read_text() != str(recipe)

    def fresh(self, name, recipe):
        (self.folder / f"{name}.recipe").write_text(str(recipe))

    @property
    def version(self):
        return (self.folder / "fetched").read_text().strip()

    @property
    def environment(self):
        lib = self.tools / "usr/lib/x86_64-linux-gnu"
        path = f"{lib}:{self.tools}/lib/x86_64-linux-gnu"
        return {**os.environ, "QEMU_MODULE_DIR": f"{lib}/qemu", "LD_LIBRARY_PATH": path}

    def options(self):
        """apt's settings that keep to `folder`, take no lock of the machine's and leave its lists alone."""
        apt = self.folder / "apt"
        return {
            "Debug::NoLocking": "1", "APT::Sandbox::User": "root", "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": f"{apt}/s", "Dir::State::lists": f"{apt}/l", "Dir::Cache": f"{apt}/c",
            "Dir::Cache::archives": f"{self.folder}/debs",
        }

    def apt(self, tool, *argv, **more):
        options = [part for name, value in self.options().items() for part in ("-o", f"{name}={value}")]
        return run(tool, "-qq" if tool == "apt-get" else "-q", *options, *argv, **more)

    def fetch(self):
        mirror, security = uri(r"/debian/?$"), uri("security")
        if not mirror:
            raise Cannot("no Debian source in /etc/apt: the guest is made of Debian packages")
        for it in ["apt/s", "apt/l/partial", "apt/c/archives/partial", "debs/partial", "tools", "kernel"]:
            (self.folder / it).mkdir(parents=True, exist_ok=True)
        signed = "Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
        text = f"Types: deb\nURIs: {mirror}\nSuites: {self.suite} {self.suite}-updates {self.suite}-backports\n{signed}"
        if security:
            text += f"\nTypes: deb\nURIs: {security}\nSuites: {self.suite}-security\n{signed}"
        (self.folder / "apt/s/lab.sources").write_text(text)
        self.say("fetching packages")
        self.apt("apt-get", "update")
        install = ["install", "-y", "--download-only", "--no-install-recommends"]
        quiet = {"stdout": subprocess.DEVNULL}
        self.apt("apt-get", *install, "-t", f"{self.suite}-backports", "qemu-system-x86", **quiet)
        shown = self.apt("apt-cache", "show", f"linux-image-amd64/{self.suite}", capture_output=True, text=True).stdout
        version = re.search(r"^Depends: linux-image-(\S+)", shown, re.M).group(1)
        debs = self.folder / "debs"
        wanted = [*HOST, f"qemu-block-extra/{self.suite}-backports", f"linux-image-{version}"]
        missing = [it for it in wanted if not list(debs.glob(f"{it.split('/')[0]}_*.deb"))]
        self.apt("apt-get", "download", *missing, cwd=debs, **quiet)
        for deb in sorted(debs.glob("*.deb")):
            kernel = deb.name.startswith("linux-image-")
            run("dpkg-deb", "-x", deb, self.kernel if kernel else self.tools)
        (self.folder / "fetched").write_text(version)

    def make(self):
        self.say("making the guest's image")
        root = self.folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        tar = self.folder / "rootfs.tar"
        if not tar.exists():
            mirror, security = uri(r"/debian/?$"), uri("security")
            left_out = [f"--dpkgopt=path-exclude=/usr/share/{it}/*" for it in ["doc", "man", "locale", "info"]]
            environment = {**os.environ, "PATH": f"{self.tools}/usr/bin:{os.environ['PATH']}"}
            lines = [f"deb {mirror} {self.suite} main"]
            lines += [f"deb {security} {self.suite}-security main"] if security else []
            with open(self.folder / "mmdebstrap.log", "w") as log:
                run(
                    "perl", self.tools / "usr/bin/mmdebstrap", "--mode=root", "--variant=essential",
                    "--include=" + ",".join(GUEST), "--skip=check/qemu", "--aptopt=Acquire::Languages \"none\"",
                    "--aptopt=Apt::Install-Recommends \"false\"", "--dpkgopt=force-unsafe-io", *left_out,
                    "--format=tar", self.suite, f"{tar}.part", *lines, env=environment, stderr=log,
                )
            os.replace(f"{tar}.part", tar)
        root.mkdir()
        run("tar", "-C", root, "-xf", tar)
        self.modules(root)
        self.units(root)
        self.first_steps(root)
        part = self.folder / "root.img.part"
        part.unlink(missing_ok=True)
        with open(part, "wb") as file:
            file.truncate(1 << 30)
        run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-E", "lazy_itable_init=1", "-d", root, part)
        os.replace(part, self.root)
        shutil.rmtree(root)

    def modules(self, root):
        source, target = self.kernel / "lib/modules" / self.version, root / "usr/lib/modules" / self.version
        target.mkdir(parents=True)
        for it in [*source.glob("modules.builtin*"), source / "modules.order"]:
            shutil.copy(it, target)
        for it in MODULES:
            found, place = source / "kernel" / it, target / "kernel" / it
            place.parent.mkdir(parents=True, exist_ok=True)
            if found.is_dir():
                shutil.copytree(found, place, dirs_exist_ok=True)
            elif found.exists():
                shutil.copy(found, place)
        run("chroot", root, "depmod", self.version)

    def units(self, root):
        (root / "etc/hostname").write_text("lab\n")
        (root / "etc/hosts").write_text("127.0.0.1 localhost lab\n")
        (root / "host").mkdir()
        execd = root / "usr/local/sbin/lab-execd"
        execd.write_text(EXECD)
        execd.chmod(0o755)
        units = root / "etc/systemd/system"
        (units / "lab-execd.service").write_text(EXECD_UNIT)
        (units / "multi-user.target.wants").mkdir(parents=True, exist_ok=True)
        (units / "multi-user.target.wants/lab-execd.service").symlink_to("/etc/systemd/system/lab-execd.service")
        (root / "etc/udev/rules.d/60-lab.rules").write_text('SUBSYSTEM=="virtio-ports", TAG+="systemd"\n')
        (root / "etc/modules-load.d/lab.conf").write_text("virtio_console\nipmi_si\nipmi_devintf\n")
        for unit in MASKED:
            path = units / unit
            path.unlink(missing_ok=True)
            path.symlink_to("/dev/null")

    def first_steps(self, root):
        """An initial RAM disk that loads what the root disk needs and goes on there."""
        folder = self.folder / "first"
        shutil.rmtree(folder, ignore_errors=True)
        for it in ["bin", "m", "proc", "sys", "dev", "newroot"]:
            (folder / it).mkdir(parents=True)
        busybox = self.tools / "bin/busybox"
        shutil.copy(busybox, folder / "bin/busybox")
        names = []
        for module in ["virtio_pci", "virtio_blk", "ext4", "crc32c_generic"]:
            shown = subprocess.run(
                ["chroot", root, "modprobe", "-S", self.version, "--show-depends", module], capture_output=True, text=True
            )
            for path in re.findall(r"^insmod (\S+)", shown.stdout, re.M):
                if Path(path).name not in names:
                    names.append(Path(path).name)
                    shutil.copy(f"{root}{path}", folder / "m")
        (folder / "m/list").write_text("\n".join(names) + "\n")
        (folder / "init").write_text(INIT)
        (folder / "init").chmod(0o755)
        pack = f"find . | {busybox} cpio -o -H newc 2>/dev/null | gzip -1 > {self.initrd}"
        run("sh", "-c", pack, cwd=folder)
