set -eu
ufw allow from 10.99.41.77/24 to any port 22 proto tcp
ufw --force enable
