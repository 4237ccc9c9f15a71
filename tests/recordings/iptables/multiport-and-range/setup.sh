set -eu
for t in iptables ip6tables; do
    $t -P INPUT DROP
    $t -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    $t -A INPUT -i lo -j ACCEPT
done
iptables -A INPUT -p icmp -j ACCEPT
ip6tables -A INPUT -p ipv6-icmp -j ACCEPT
for t in iptables ip6tables; do $t -A INPUT -p tcp -m multiport --dports 22,80,6000:6007 -j ACCEPT; done
for t in iptables ip6tables; do $t -A INPUT -p udp --dport 50:60 -j ACCEPT; done
