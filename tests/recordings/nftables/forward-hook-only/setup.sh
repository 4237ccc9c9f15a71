set -eu
nft -f - <<'E'
table inet filter {
    chain input {
        tcp dport 22 accept
    }
    chain forward {
        type filter hook forward priority 0; policy drop;
    }
}
E
