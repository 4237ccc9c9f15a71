set -eu
ufw allow from 10.0.0.0/8
ufw limit 22/tcp
ufw --force enable
