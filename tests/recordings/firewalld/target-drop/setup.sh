set -eu
firewall-cmd --permanent --zone=public --set-target=DROP
firewall-cmd --reload
