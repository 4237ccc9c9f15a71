set -eu
ufw allow 22/tcp
ufw --force enable
for tool in iptables ip6tables; do
    $tool -P INPUT ACCEPT
    $tool -F INPUT
done
