# What scripts of this folder call: it is sent to the node before each of them.
set -eu
own_tables() { # for the service nftables: a table for each family that lets in ssh
    cat >/etc/nftables.conf <<'EOF'
#!/usr/sbin/nft -f
flush ruleset
table ip own4 {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iif lo accept
		tcp dport 22 accept
	}
}
table ip6 own6 {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		meta l4proto ipv6-icmp accept
		tcp dport 22 accept
	}
}
EOF
}
