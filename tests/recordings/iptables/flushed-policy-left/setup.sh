set -eu
for tool in iptables ip6tables; do
    $tool -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    $tool -A INPUT -p tcp --dport 22 -j ACCEPT
    $tool -P INPUT DROP
done
iptables -F
ip6tables -F
