set -eu
for t in iptables ip6tables; do
    $t -P INPUT DROP
    $t -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    $t -A INPUT -i lo -j ACCEPT
done
iptables -A INPUT -p icmp -j ACCEPT
ip6tables -A INPUT -p ipv6-icmp -j ACCEPT
for t in iptables ip6tables; do $t -A INPUT -p tcp --dport 22 -j DROP; done
for t in iptables ip6tables; do $t -A INPUT -p tcp --dport 22 -j ACCEPT; done
