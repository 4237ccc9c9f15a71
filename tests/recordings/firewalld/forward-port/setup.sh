set -eu
firewall-cmd --add-forward-port=port=8080:proto=tcp:toport=22
