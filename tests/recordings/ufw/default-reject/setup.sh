set -eu
ufw default reject incoming
ufw allow 22/tcp
ufw --force enable
