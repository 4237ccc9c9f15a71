set -eu
ufw allow from 10.99.41.0/24
ufw allow 22/tcp
ufw --force enable
