set -eu
ufw allow 22/tcp
ufw --force enable
sed -i 's|^### END RULES ###|### tuple ### allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 in\n-A ufw-user-input -p tcp --dport 80 -j ACCEPT\n\n### END RULES ###|' /etc/ufw/user.rules
