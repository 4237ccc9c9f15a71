set -eu
nft add table inet x
nft 'add chain inet x in { type filter hook input priority 50; policy accept; }'
nft add rule inet x in tcp dport 22 drop
