set -eu
ufw deny from 10.99.0.0/16 to any port 22 proto tcp
ufw allow 22/tcp
ufw --force enable
