set -eu
ufw allow OpenSSH
ufw --force enable
