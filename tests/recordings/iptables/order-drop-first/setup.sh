set -eu
drop_incoming
for t in iptables ip6tables; do $t -A INPUT -p tcp --dport 22 -j DROP; done
for t in iptables ip6tables; do $t -A INPUT -p tcp --dport 22 -j ACCEPT; done
