set -eu
rm /usr/sbin/ufw /usr/sbin/nft /usr/sbin/iptables-save /usr/sbin/ip6tables-save
