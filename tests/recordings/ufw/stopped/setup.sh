set -eu
ufw allow 22/tcp
ufw --force enable
systemctl start ufw
systemctl stop ufw
