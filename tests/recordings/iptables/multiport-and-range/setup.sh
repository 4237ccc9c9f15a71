set -eu
drop_incoming
for t in iptables ip6tables; do $t -A INPUT -p tcp -m multiport --dports 22,80,6000:6007 -j ACCEPT; done
for t in iptables ip6tables; do $t -A INPUT -p udp --dport 50:60 -j ACCEPT; done
