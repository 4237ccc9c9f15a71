set -eu
firewall-cmd --permanent --new-policy=out
firewall-cmd --permanent --policy=out --add-ingress-zone=HOST
firewall-cmd --permanent --policy=out --add-egress-zone=ANY
firewall-cmd --permanent --policy=out --set-target=REJECT
firewall-cmd --reload
