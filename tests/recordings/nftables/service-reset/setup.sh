set -eu
own_tables
systemctl start nftables
nft flush ruleset
