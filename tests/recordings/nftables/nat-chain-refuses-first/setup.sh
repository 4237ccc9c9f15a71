set -eu
nft -f - <<'END'
table inet n {
    chain c { type nat hook prerouting priority 0; ct state new reject; }
}
table inet f {
    chain c { type filter hook prerouting priority -50; drop; }
}
END
