#!/bin/bash
# A small Ceph on loopback (three monitors, a manager, an MDS, four OSDs of 1 GiB), broken step by step and recorded
# with `xunjian-agent record`. Takes about three minutes and 2 GiB of memory.
#
#   ceph.sh --fetch CACHE           only gets the packages
#   ceph.sh AGENT OUT [CACHE]      AGENT: the xunjian-agent binary; OUT: a recording a folder, named after the step
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
packages=(ceph-mon ceph-osd ceph-mgr ceph-mds ceph-common)
if [ "${1:-}" = "--fetch" ]; then
    exec "$here/sandbox.sh" "$2" -- "${packages[@]}"
fi
if [ "${1:-}" != "inside" ]; then
    agent=$(readlink -f "$1"); out=$2; cache=${3:-/var/tmp/xunjian-lab/ceph}
    mkdir -p "$out" "$cache/keep"
    cp "$agent" "$cache/keep/xunjian-agent"
    rm -rf "$cache/keep/out"; mkdir "$cache/keep/out"
    XUNJIAN_KEEP=$(readlink -f "$cache/keep") "$here/sandbox.sh" "$cache" "$here/ceph.sh" inside \
        "$(readlink -f "$cache/keep")" -- "${packages[@]}"
    cp -r "$cache/keep/out/." "$out/"
    exit
fi

keep=$2
fsid=5b0d7c1e-9d5c-4e0f-8a3c-2f6f1c9b7a10
mkdir -p /etc/ceph /var/run/ceph /var/log/ceph /tmp/osd
cat >/etc/ceph/ceph.conf <<CONF
[global]
fsid = $fsid
mon initial members = a,b,c
mon host = [v2:127.0.0.1:3300,v1:127.0.0.1:6789],[v2:127.0.0.1:3301,v1:127.0.0.1:6790],[v2:127.0.0.1:3302,v1:127.0.0.1:6791]
public network = 127.0.0.0/8
auth allow insecure global id reclaim = false
osd pool default size = 3
osd pool default min size = 2
osd pool default pg num = 16
osd crush chooseleaf type = 1
osd crush update on start = false
osd pool default pg autoscale mode = off
mon allow pool size one = true
bluestore block size = 2147483648
osd memory target = 939524096
osd scrub auto repair = false
mon osd down out interval = 600
mon pg stuck threshold = 20
mon data avail warn = 5
mon data avail crit = 1
ms bind ipv6 = false
CONF

ceph-authtool -C /etc/ceph/ceph.client.admin.keyring --gen-key -n client.admin \
    --cap mon 'allow *' --cap osd 'allow *' --cap mds 'allow *' --cap mgr 'allow *' >/dev/null
ceph-authtool -C /tmp/mon.keyring --gen-key -n mon. --cap mon 'allow *' >/dev/null
ceph-authtool /tmp/mon.keyring --import-keyring /etc/ceph/ceph.client.admin.keyring >/dev/null
monmaptool --create --fsid $fsid --addv a '[v2:127.0.0.1:3300,v1:127.0.0.1:6789]' \
    --addv b '[v2:127.0.0.1:3301,v1:127.0.0.1:6790]' --addv c '[v2:127.0.0.1:3302,v1:127.0.0.1:6791]' /tmp/monmap >/dev/null
for mon in a b c; do
    mkdir -p /var/lib/ceph/mon/ceph-$mon
    ceph-mon --mkfs -i $mon --monmap /tmp/monmap --keyring /tmp/mon.keyring
    ceph-mon -i $mon
done
mkdir -p /var/lib/ceph/mgr/ceph-x /var/lib/ceph/mds/ceph-m
ceph auth get-or-create mgr.x mon 'allow profile mgr' osd 'allow *' mds 'allow *' >/var/lib/ceph/mgr/ceph-x/keyring
ceph-mgr -i x
for id in 0 1 2 3; do
    ceph osd new "$(uuidgen)" >/dev/null
    mkdir -p /var/lib/ceph/osd/ceph-$id
    ceph auth get-or-create osd.$id mon 'allow profile osd' mgr 'allow profile osd' osd 'allow *' \
        >/var/lib/ceph/osd/ceph-$id/keyring
    ceph-osd -i $id --mkfs --osd-uuid "$(ceph osd dump --format json | python3 -c "
import json, sys
print([it['uuid'] for it in json.load(sys.stdin)['osds'] if it['osd'] == $id][0])")" 2>/dev/null
    ceph osd crush add osd.$id 0.002 root=default host=node$id >/dev/null 2>&1
    ceph-osd -i $id >/dev/null 2>&1
done
ceph osd pool create data 16 >/dev/null 2>&1
ceph osd pool application enable data rbd >/dev/null 2>&1
ceph osd erasure-code-profile set small k=2 m=1 crush-failure-domain=host
ceph osd pool create ec 8 8 erasure small >/dev/null 2>&1
ceph osd pool application enable ec rados >/dev/null 2>&1
ceph osd pool create fsmeta 8 >/dev/null 2>&1
ceph osd pool create fsdata 8 >/dev/null 2>&1
ceph fs new cephfs fsmeta fsdata >/dev/null 2>&1
ceph auth get-or-create mds.m mon 'profile mds' mgr 'profile mds' mds 'allow *' osd 'allow *' >/var/lib/ceph/mds/ceph-m/keyring
ceph-mds -i m
head -c 3000000 /dev/urandom >/tmp/object

until_json() { # COMMAND PYTHON-CONDITION: waits until the condition on `it` holds, at most 90 s
    for _ in $(seq 90); do
        ceph $1 --format json 2>/dev/null | python3 -c "
import json, sys
it = json.load(sys.stdin)
sys.exit(0 if ($2) else 1)" && return
        sleep 1
    done
    echo "gave up waiting for $2" >&2
}
clean="all(s['state_name'] == 'active+clean' for s in it['pgmap']['pgs_by_state']) and it['pgmap']['num_pgs'] > 30"
has() { echo "'$1' in it['checks']"; }

record() {
    "$keep/xunjian-agent" record --only ceph "$keep/out/$1" >/dev/null || true
}
stop() { kill "$(pgrep -f "$1")"; sleep 1; }

for n in 1 2 3 4 5; do
    rados -p data put object$n /tmp/object; rados -p ec put object$n /tmp/object
done
until_json status "$clean"
sleep 5
record healthy
ceph osd set noout 2>/dev/null
stop 'ceph-osd -i 3'
until_json "health detail" "$(has PG_DEGRADED)"
sleep 25
ceph health mute OSDMAP_FLAGS 1h >/dev/null
record osd-down
stop 'ceph-osd -i 2'
until_json "health detail" "$(has PG_AVAILABILITY)"
record two-osds-down
stop 'ceph-mon -i c'
stop 'ceph-mds -i m'
until_json "health detail" "$(has MON_DOWN)"
# The monitors give an MDS that is silent some time before they say so.
until_json status "any('laggy' in r['status'] for r in it['fsmap']['by_rank']) or not it['fsmap']['by_rank'] or it['fsmap']['up'] == 0"
record mon-down
stop 'ceph-mgr -i x'
until_json "health detail" "$(has MGR_DOWN)"
record no-mgr
stop 'ceph-mon -i b'
# Until the last monitor has given up its lease and begun to look for others.
for _ in $(seq 60); do
    ceph --admin-daemon /var/run/ceph/ceph-mon.a.asok mon_status 2>/dev/null | grep -q '"state": "\(probing\|electing\)"' && break
    sleep 1
done
sleep 3
record no-quorum
