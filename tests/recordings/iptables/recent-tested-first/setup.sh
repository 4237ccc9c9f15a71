set -eu
drop_incoming
for t in iptables ip6tables; do
    $t -A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -m recent --name x --update --seconds 60 --hitcount 4 -j DROP
    $t -A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -m recent --name x --set -j ACCEPT
done
