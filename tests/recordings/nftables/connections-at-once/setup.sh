set -eu
nft -f - <<'E'
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        meta l4proto { icmp, ipv6-icmp } accept
        tcp dport 22 ct count over 3 drop
        tcp dport 22 accept
    }
}
E
