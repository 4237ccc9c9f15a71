set -eu
ufw allow 22/tcp
ufw --force enable
iptables -P INPUT ACCEPT
iptables -F INPUT
