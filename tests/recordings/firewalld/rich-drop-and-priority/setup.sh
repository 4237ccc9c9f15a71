set -eu
firewall-cmd --add-port=80/tcp
firewall-cmd --add-rich-rule='rule priority="-10" port port="80" protocol="tcp" drop'
firewall-cmd --add-rich-rule='rule priority="10" port port="8080" protocol="tcp" accept'
