set -eu
ufw default allow incoming
ufw allow 22/tcp
ufw --force enable
