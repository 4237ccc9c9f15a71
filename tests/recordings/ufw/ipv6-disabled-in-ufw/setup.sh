set -eu
sed -i 's/^IPV6=.*/IPV6=no/' /etc/default/ufw
ufw allow 22/tcp
ufw --force enable
