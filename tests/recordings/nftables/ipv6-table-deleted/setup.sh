set -eu
own_tables
systemctl start nftables
nft delete table ip6 own6
