set -eu
firewall-cmd --permanent --new-service=peapp
firewall-cmd --permanent --service=peapp --add-port=8080/tcp
firewall-cmd --permanent --service=peapp --add-port=6000-6007/tcp
firewall-cmd --reload
firewall-cmd --add-service=peapp
