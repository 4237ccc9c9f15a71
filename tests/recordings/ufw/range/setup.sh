set -eu
ufw allow 6000:6007/tcp
ufw allow 22/tcp
ufw --force enable
