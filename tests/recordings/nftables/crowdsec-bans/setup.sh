set -eu
nft -f - <<'END'
table ip crowdsec {
    set crowdsec-blacklists { type ipv4_addr; flags timeout; elements = { 192.0.2.1 timeout 4h, 192.0.2.77 timeout 3h }; }
    chain crowdsec-chain { type filter hook input priority filter - 10; policy accept; ip saddr @crowdsec-blacklists drop; }
}
table ip6 crowdsec6 {
    set crowdsec6-blacklists { type ipv6_addr; flags timeout; }
    chain crowdsec6-chain { type filter hook input priority filter - 10; policy accept; ip6 saddr @crowdsec6-blacklists drop; }
}
table inet filter {
    chain input { type filter hook input priority filter; policy drop; ct state established,related accept; iif lo accept; tcp dport { 22, 443 } accept; }
}
END
