set -eu
ufw allow 22/tcp
ufw --force enable
sed -i s/^ENABLED=.*/ENABLED=no/ /etc/ufw/ufw.conf
