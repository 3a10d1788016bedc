#!/bin/bash
# A throw-away machine made of this one: Debian packages unpacked over the root file system in a mount namespace of
# its own. Nothing is installed on the machine, and all processes end with the script.
#
#   sandbox.sh FOLDER SCRIPT [ARGUMENT…] -- PACKAGE…
#
# FOLDER keeps the downloaded packages for the next time; SCRIPT runs as root inside; without one, the packages are only
# fetched. Needs root, apt and overlayfs.
set -euo pipefail

folder=$1; shift
command=()
while [ $# -gt 0 ] && [ "$1" != "--" ]; do command+=("$1"); shift; done
shift

mkdir -p "$folder/debs/partial" "$folder/packages"
folder=$(readlink -f "$folder")
stamp="$folder/packages/.unpacked"
if [ "$(cat "$stamp" 2>/dev/null)" != "$*" ]; then
    apt-get -qq -y --no-install-recommends --download-only -o APT::Sandbox::User=root \
        -o Dir::Cache::archives="$folder/debs" install "$@" >/dev/null
    rm -rf "$folder/packages"; mkdir "$folder/packages"
    for deb in "$folder"/debs/*.deb; do dpkg-deb -x "$deb" "$folder/packages"; done
    # /bin, /lib and /sbin are links on a merged-usr system; a package's own folder must not hide them.
    for name in bin lib lib64 sbin; do
        [ -d "$folder/packages/$name" ] && [ ! -L "$folder/packages/$name" ] || continue
        mkdir -p "$folder/packages/usr/$name"
        cp -a "$folder/packages/$name/." "$folder/packages/usr/$name/"
        rm -rf "${folder:?}/packages/$name"
    done
    echo "$*" >"$stamp"
fi

[ ${#command[@]} -gt 0 ] || exit 0

scratch=$(mktemp -d "$folder/run.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/work" "$scratch/root"
cp -a "$folder/packages" "$scratch/upper"
# Every process started inside ends with the first one (--kill-child and a PID namespace).
unshare --mount --pid --fork --kill-child --net --uts bash -euc '
    scratch=$1; shift
    hostname lab
    mount --make-rprivate /
    mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$scratch/root"
    mount --rbind /dev "$scratch/root/dev"
    mount -t proc proc "$scratch/root/proc"
    mount -t tmpfs tmpfs "$scratch/root/run"
    mount -t tmpfs tmpfs "$scratch/root/tmp"
    # What the script is given stays visible at its place.
    for path in "${XUNJIAN_KEEP:-}" "$(dirname "$(readlink -f "$1")")"; do
        [ -n "$path" ] || continue
        mkdir -p "$scratch/root/$path"
        mount --bind "$path" "$scratch/root/$path"
    done
    ip link set lo up
    ldconfig -r "$scratch/root" 2>/dev/null || true
    # Not chroot: a namespace made inside would begin at the old root again.
    cd "$scratch/root"
    mkdir -p .old
    pivot_root . .old
    umount -l /.old
    exec "$@"
' sandbox "$scratch" "${command[@]}"
