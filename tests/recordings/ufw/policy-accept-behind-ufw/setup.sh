set -eu
ufw allow 22/tcp
ufw --force enable
iptables -P INPUT ACCEPT
iptables -F ufw-after-input
ip6tables -P INPUT ACCEPT
