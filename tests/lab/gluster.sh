#!/bin/bash
# A small GlusterFS: three nodes in network namespaces on one bridge, with replicated, arbitrated, dispersed and
# distributed volumes on tmpfs, broken step by step and recorded with `xunjian-agent record` on each step's reader.
# Takes about two minutes.
#
#   gluster.sh --fetch CACHE           only gets the packages
#   gluster.sh AGENT OUT [CACHE]      AGENT: the xunjian-agent binary; OUT: a recording a folder, named after the step
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
packages=(glusterfs-server glusterfs-client)
if [ "${1:-}" = "--fetch" ]; then
    exec "$here/sandbox.sh" "$2" -- "${packages[@]}"
fi
if [ "${1:-}" != "inside" ]; then
    agent=$(readlink -f "$1"); out=$2; cache=${3:-/var/tmp/xunjian-lab/gluster}
    mkdir -p "$out" "$cache/keep"
    cp "$agent" "$cache/keep/xunjian-agent"
    rm -rf "$cache/keep/out"; mkdir "$cache/keep/out"
    XUNJIAN_KEEP=$(readlink -f "$cache/keep") "$here/sandbox.sh" "$cache" "$here/gluster.sh" inside \
        "$(readlink -f "$cache/keep")" -- "${packages[@]}"
    cp -r "$cache/keep/out/." "$out/"
    exit
fi

keep=$2
ip link add lab type bridge
ip link set lab up
declare -A anchor
for n in 1 2 3; do
    # A node: its own network, mounts and name; a sleeping process holds it.
    unshare --net --mount --uts bash -ec "
        hostname node$n
        mount -t tmpfs tmpfs /run; mkdir -p /var/lib/glusterd /var/log/glusterfs /run/gluster /data
        mount -t tmpfs tmpfs /var/lib/glusterd
        mount -t tmpfs tmpfs /var/log/glusterfs
        mount -t tmpfs -o size=64m tmpfs /data
        echo '127.0.0.1 localhost
10.66.0.1 node1
10.66.0.2 node2
10.66.0.3 node3' >/tmp/hosts.$n
        mount --bind /tmp/hosts.$n /etc/hosts
        exec sleep 100000" &
    anchor[$n]=$!
    sleep 0.5
    ip link add lab$n type veth peer name eth0
    ip link set lab$n master lab up
    ip link set eth0 netns "${anchor[$n]}"
done
on() { local n=$1; shift; nsenter -t "${anchor[$n]}" -m -n -u "$@"; }
for n in 1 2 3; do
    on $n ip addr add 10.66.0.$n/24 dev eth0
    on $n ip link set eth0 up; on $n ip link set lo up
    on $n glusterd
done
sleep 3
on 1 gluster --mode=script peer probe node2 >/dev/null
on 1 gluster --mode=script peer probe node3 >/dev/null
sleep 3
g() { on 1 gluster --mode=script "$@"; }
g volume create rep replica 3 node1:/data/rep node2:/data/rep node3:/data/rep force >/dev/null
g volume create arb replica 3 arbiter 1 node1:/data/arb node2:/data/arb node3:/data/arb force >/dev/null
g volume create disp disperse 3 redundancy 1 node1:/data/disp node2:/data/disp node3:/data/disp force >/dev/null
g volume create dist node1:/data/dist node2:/data/dist force >/dev/null
g volume create two replica 3 node1:/data/t1 node2:/data/t1 node3:/data/t1 node1:/data/t2 node2:/data/t2 node3:/data/t2 force >/dev/null
g volume create pair replica 2 node1:/data/pair node2:/data/pair force >/dev/null
g volume create idle node1:/data/idle force >/dev/null
for it in rep arb disp dist two pair; do g volume start $it >/dev/null; done
g volume set pair cluster.quorum-type none >/dev/null
g volume quota rep enable >/dev/null
sleep 2

uuid() { on "$1" sed -n 's/^UUID=//p' /var/lib/glusterd/glusterd.info; }
# The node with the lowest UUID reads, as the agent chooses; one that is gone is passed over.
reader() { for n in "$@"; do echo "$(uuid "$n") $n"; done | sort | head -1 | cut -d' ' -f2; }
record() { # STEP NODE
    on "$2" "$keep/xunjian-agent" record --only gluster "$keep/out/$1" >/dev/null || true
}
brick() { pgrep -f "glusterfsd.*--brick-name /data/$2( |$)" | while read -r pid; do # NODE BRICK: its process
    [ "$(readlink /proc/$pid/ns/net)" = "$(readlink /proc/"${anchor[$1]}"/ns/net)" ] && echo "$pid"; done || true; }

mkdir -p /mnt/rep /mnt/pair
on 1 mkdir -p /mnt/rep /mnt/pair /mnt/disp
for it in rep pair disp; do on 1 glusterfs --volfile-server=node1 --volfile-id=$it /mnt/$it || true; done
sleep 2
on 1 sh -c 'mkdir -p /mnt/rep/home; echo one >/mnt/rep/home/a; echo one >/mnt/pair/f' || true
g volume quota rep limit-usage /home 10MB >/dev/null || true
record healthy "$(reader 1 2 3)"
for it in rep pair disp; do g volume set $it cluster.self-heal-daemon off >/dev/null 2>&1 || true; g volume set $it cluster.data-self-heal off >/dev/null 2>&1 || true; done
g volume set disp disperse.self-heal-daemon off >/dev/null 2>&1 || g volume heal disp disable >/dev/null 2>&1 || true
kill -9 $(brick 2 rep) $(brick 2 disp)
sleep 2
on 1 sh -c 'for i in 1 2 3 4 5; do echo $i >/mnt/rep/home/f$i; echo $i >/mnt/disp/f$i; done' || true
record brick-down "$(reader 1 2 3)"
# Both copies written while the other was away: neither is right.
kill -9 $(brick 2 pair); sleep 2
on 1 sh -c 'echo two >/mnt/pair/f' || true
g volume start pair force >/dev/null; sleep 4
kill -9 $(brick 1 pair); sleep 2
on 1 sh -c 'echo three >/mnt/pair/f' || true
g volume start pair force >/dev/null; sleep 4
on 1 cat /mnt/pair/f >/dev/null 2>&1 || true
record split-brain "$(reader 1 2 3)"
# A node goes.
pids=$(pgrep -f 'gluster' | while read -r pid; do [ "$(readlink /proc/$pid/ns/net 2>/dev/null)" = "$(readlink /proc/"${anchor[3]}"/ns/net)" ] && echo "$pid"; done || true)
kill -9 $pids
sleep 12
record node-down "$(reader 1 2)"
# The other one that is left leaves it to that one.
record standby "$([ "$(reader 1 2)" = 1 ] && echo 2 || echo 1)"
