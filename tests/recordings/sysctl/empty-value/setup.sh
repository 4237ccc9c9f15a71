set -eu
sysctl -qw net.ipv4.ip_local_reserved_ports=
