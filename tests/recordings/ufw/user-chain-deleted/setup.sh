set -eu
ufw allow 22/tcp
ufw --force enable
iptables -D ufw-before-input -j ufw-user-input
iptables -F ufw-user-input
iptables -X ufw-user-input
