set -eu
# one write: each replaces the value
seq -s, 1024 2 8998 | dd bs=64k iflag=fullblock of=/proc/sys/net/ipv4/ip_local_reserved_ports status=none
