set -eu
systemctl start firewalld
firewall-cmd --permanent --remove-service=ssh
firewall-cmd --permanent --add-rich-rule='rule service name=ssh limit value=3/m accept'
firewall-cmd --reload
