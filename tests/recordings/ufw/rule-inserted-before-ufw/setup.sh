set -eu
ufw allow 22/tcp
ufw --force enable
iptables -I INPUT -j ACCEPT
