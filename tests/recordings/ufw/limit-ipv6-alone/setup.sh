set -eu
ufw limit from ::/0 to any port 22 proto tcp
ufw --force enable
