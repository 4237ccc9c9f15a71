set -eu
ufw limit log 22/tcp
ufw --force enable
