set -eu
ufw default allow incoming
ufw deny 23/tcp
ufw allow 443/tcp
ufw --force enable
