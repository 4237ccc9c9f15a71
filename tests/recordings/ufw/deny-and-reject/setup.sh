set -eu
ufw deny 80/tcp
ufw reject 443/tcp
ufw allow 22/tcp
ufw --force enable
