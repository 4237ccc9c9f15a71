set -eu
for tool in iptables ip6tables; do
    $tool -P INPUT DROP
    $tool -N tcpflags
    $tool -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    $tool -A INPUT -p tcp -j tcpflags
    $tool -A INPUT -p tcp --dport 22 -j ACCEPT
    $tool -A tcpflags -p tcp --tcp-flags ALL FIN,URG,PSH -j DROP
    $tool -A tcpflags -p tcp --tcp-flags ALL NONE -j DROP
    $tool -A tcpflags -p tcp --tcp-flags SYN,RST SYN,RST -j DROP
    $tool -A tcpflags -p tcp --tcp-flags SYN,FIN SYN,FIN -j DROP
    $tool -A tcpflags -p tcp --syn --sport 0 -j DROP
done
