set -eu
ufw allow 80,443/tcp
ufw allow 22/tcp
ufw --force enable
