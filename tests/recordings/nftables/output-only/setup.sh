set -eu
nft 'table inet own { chain output { type filter hook output priority 0; policy drop; ct state established accept; }; }'
