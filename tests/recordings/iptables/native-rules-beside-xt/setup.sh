set -eu
iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
nft add rule ip filter INPUT tcp dport '{ 23, 445, 3389 }' drop
nft add rule ip filter INPUT tcp dport '& 0xff00 == 0x1f00' drop
nft 'add set ip filter bad { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 }; }'
nft add rule ip filter INPUT ip saddr @bad drop
nft add rule ip filter INPUT tcp dport vmap '{ 8443 : drop }'
