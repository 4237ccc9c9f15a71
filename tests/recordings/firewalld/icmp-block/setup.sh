set -eu
firewall-cmd --add-icmp-block=echo-request
