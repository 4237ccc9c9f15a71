set -eu
sed -i 's|^# End required lines|&\n-A ufw-before-input -p tcp --dport 8080 -j DROP|' /etc/ufw/before.rules
ufw allow 22/tcp
ufw --force enable
