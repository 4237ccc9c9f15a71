set -eu
firewall-cmd --add-port=8080/tcp
firewall-cmd --add-port=6000-6007/tcp
firewall-cmd --add-port=53/udp
