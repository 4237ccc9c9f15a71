set -eu
seq -s, 1024 2 8998 >/proc/sys/net/ipv4/ip_local_reserved_ports
