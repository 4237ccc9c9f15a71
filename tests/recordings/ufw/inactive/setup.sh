set -eu
ufw allow 22/tcp
