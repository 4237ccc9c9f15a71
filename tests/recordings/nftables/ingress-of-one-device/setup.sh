set -eu
ip link add lan0 type veth peer name lan1
nft -f - <<'END'
table netdev t {
    chain in { type filter hook ingress device "lan0" priority 0; tcp dport 22 drop; }
}
END
