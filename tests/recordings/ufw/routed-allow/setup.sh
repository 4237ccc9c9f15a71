set -eu
sysctl -qw net.ipv4.ip_forward=1
ufw default allow routed
ufw allow 22/tcp
ufw --force enable
