set -eu
ufw allow in on host0 to any port 8080 proto tcp
ufw allow in on eth9 to any port 9090 proto tcp
ufw allow 22/tcp
ufw --force enable
