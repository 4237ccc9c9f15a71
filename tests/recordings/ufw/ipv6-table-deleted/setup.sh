set -eu
ufw allow 22/tcp
ufw --force enable
nft delete table ip6 filter
