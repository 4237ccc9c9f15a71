set -eu
drop_incoming
for t in iptables ip6tables; do $t -A INPUT -p tcp --dport 22 -j ACCEPT; done
iptables -A INPUT ! -s 10.0.0.0/8 -p tcp --dport 80 -j ACCEPT
