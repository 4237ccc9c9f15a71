set -eu
rm /usr/sbin/ufw /usr/sbin/nft /usr/sbin/xtables-nft-multi /usr/sbin/xtables-legacy-multi # all of iptables
