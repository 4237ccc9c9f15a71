set -eu
firewall-cmd --permanent --new-service=web
firewall-cmd --permanent --service=web --add-port=9090/tcp
firewall-cmd --reload
firewall-cmd --add-service=web
