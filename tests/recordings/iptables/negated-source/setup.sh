set -eu
for t in iptables ip6tables; do
    $t -P INPUT DROP
    $t -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    $t -A INPUT -i lo -j ACCEPT
done
iptables -A INPUT -p icmp -j ACCEPT
ip6tables -A INPUT -p ipv6-icmp -j ACCEPT
for t in iptables ip6tables; do $t -A INPUT -p tcp --dport 22 -j ACCEPT; done
iptables -A INPUT ! -s 10.0.0.0/8 -p tcp --dport 80 -j ACCEPT
