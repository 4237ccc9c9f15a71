set -eu
ufw allow 'WWW Full'
ufw allow DNS
ufw allow 22/tcp
ufw --force enable
