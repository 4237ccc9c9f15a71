set -eu
ufw allow 22/tcp
ufw --force enable
ufw disable
nft 'table inet own { chain input { type filter hook input priority 0; policy drop; ct state established accept; meta l4proto ipv6-icmp accept; tcp dport 22 accept; }; }'
