set -eu
firewall-cmd --zone=drop --change-interface=host0
firewall-cmd --zone=public --add-port=8080/tcp
