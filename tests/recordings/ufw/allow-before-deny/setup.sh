set -eu
ufw allow 22/tcp
ufw deny 22
ufw --force enable
