"""The hardware laboratory: a Debian guest with emulated disks, RAID, BMC and network, and faults on command."""
