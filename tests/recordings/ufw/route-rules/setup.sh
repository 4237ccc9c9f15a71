set -eu
ufw route allow in on host0 out on eth9 to any port 80 proto tcp
ufw route allow proto tcp from any to 10.1.2.3 port 443
ufw allow 22/tcp
ufw --force enable
