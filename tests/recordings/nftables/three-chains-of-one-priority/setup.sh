set -eu
nft add table inet a
nft add table inet b
nft add table inet c
for table in c a b; do
    nft add chain inet $table in '{ type filter hook input priority 0; }'
done
nft add rule inet a in tcp dport 8080 drop
nft add rule inet b in tcp dport 8080 reject
nft add rule inet c in tcp dport 8080 drop
nft add rule inet a in tcp dport 23 drop
nft add rule inet c in tcp dport 23 drop
