set -eu
ufw allow 22/tcp
ufw --force enable
iptables -F ufw-user-input
ip6tables -F ufw6-user-input
