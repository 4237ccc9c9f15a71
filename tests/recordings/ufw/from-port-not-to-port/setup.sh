set -eu
ufw allow proto tcp from any port 80 to any
ufw allow 22/tcp
ufw --force enable
