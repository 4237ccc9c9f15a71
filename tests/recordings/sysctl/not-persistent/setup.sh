set -eu
echo net.ipv4.tcp_keepalive_time=7200 >/etc/sysctl.d/50-pe.conf
sysctl -qw net.ipv4.tcp_keepalive_time=600
