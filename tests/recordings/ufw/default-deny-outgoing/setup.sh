set -eu
ufw default deny outgoing
ufw allow out 53
ufw allow 22/tcp
ufw --force enable
