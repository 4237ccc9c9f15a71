set -eu
drop_incoming
for t in iptables ip6tables; do $t -A INPUT -p tcp --dport 22 -m hashlimit --hashlimit-name x --hashlimit-mode srcip --hashlimit-upto 2/minute --hashlimit-burst 2 -j ACCEPT; done
