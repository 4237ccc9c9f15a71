set -eu
ufw deny 8000:8100/tcp
ufw limit 2222/tcp
ufw allow 22/tcp
ufw --force enable
