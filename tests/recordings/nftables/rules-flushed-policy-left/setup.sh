set -eu
own_tables
systemctl start nftables
nft flush chain ip own4 input
nft flush chain ip6 own6 input
