set -eu
ufw allow 22/tcp
ufw --force enable
for tool in iptables,ufw ip6tables,ufw6; do
    for chain in before after; do ${tool%,*} -F ${tool#*,}-$chain-input; done
    ${tool%,*} -P INPUT ACCEPT
done
