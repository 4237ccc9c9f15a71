set -eu
nft -f - <<'E'
table inet filter {
    flags dormant;
    chain input {
        type filter hook input priority 0; policy drop;
        tcp dport 22 accept
    }
}
E
