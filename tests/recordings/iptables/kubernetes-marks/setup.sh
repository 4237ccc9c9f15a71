set -eu
for tool in iptables ip6tables; do
    $tool -P INPUT DROP
    $tool -N KUBE-FIREWALL
    $tool -N KUBE-ROUTER-INPUT
    $tool -t nat -N KUBE-MARK-DROP
    $tool -t nat -N KUBE-MARK-MASQ
    $tool -t nat -A KUBE-MARK-DROP -j MARK --or-mark 0x8000
    $tool -t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
    $tool -t nat -A PREROUTING -p tcp --dport 30080 -m comment --comment 'kubernetes service portals' -j KUBE-MARK-MASQ
    $tool -A INPUT -m comment --comment 'kube-router netpol' -j KUBE-ROUTER-INPUT
    $tool -A INPUT -j KUBE-FIREWALL
    $tool -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    $tool -A INPUT -p tcp --dport 22 -j ACCEPT
    $tool -A KUBE-FIREWALL -m comment --comment 'kubernetes firewall for dropping marked packets' -m mark --mark 0x8000/0x8000 -j DROP
    $tool -A KUBE-ROUTER-INPUT -m comment --comment 'traffic that complies to network policies' -m mark --mark 0x20000/0x20000 -j ACCEPT
done
