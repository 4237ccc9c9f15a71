set -eu
ufw allow 22/tcp
ufw --force enable
iptables -P INPUT ACCEPT
ip6tables -P INPUT ACCEPT
