set -eu
ufw allow from ::/0 to any port 80 proto tcp
ufw allow 22/tcp
ufw --force enable
