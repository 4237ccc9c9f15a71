set -eu
ufw allow 22
ufw --force enable
