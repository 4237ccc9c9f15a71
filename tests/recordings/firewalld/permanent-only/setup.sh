set -eu
firewall-cmd --permanent --add-port=8080/tcp
