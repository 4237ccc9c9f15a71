# What scripts of this folder call: it is sent to the node before each of them.
set -eu
drop_incoming() { # all but answers, lo and ICMP
    for t in iptables ip6tables; do
        $t -P INPUT DROP
        $t -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        $t -A INPUT -i lo -j ACCEPT
    done
    iptables -A INPUT -p icmp -j ACCEPT
    ip6tables -A INPUT -p ipv6-icmp -j ACCEPT
}
