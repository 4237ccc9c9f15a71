set -eu
ufw limit 22/tcp
ufw --force enable
iptables -D ufw-user-input 1
