set -eu
ufw allow from fd99:41::/64 to any port 22 proto tcp
ufw allow from fd99:0041:0::1 to any port 80 proto tcp
ufw --force enable
