set -eu
ip link add eth0.100 type veth peer name eth0
sysctl -qw net.ipv4.conf.eth0/100.forwarding=1
sysctl -qw net/ipv4/conf/eth0/forwarding=0
