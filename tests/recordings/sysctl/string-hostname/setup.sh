set -eu
mkdir -p /run/proc
mount -t proc proc /run/proc # /proc/sys is read-only in a lab node; the name is the node's own
mount --bind /run/proc/sys/kernel/hostname /proc/sys/kernel/hostname
sysctl -qw kernel.hostname=cases1
