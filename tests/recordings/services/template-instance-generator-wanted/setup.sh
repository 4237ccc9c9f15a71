set -eu
cd /etc/openvpn
openvpn --genkey secret static.key
printf 'dev tun\nifconfig 10.9.0.1 10.9.0.2\nsecret static.key\nport 1194\ncipher AES-256-CBC\nverb 1\n' >server.conf
systemctl daemon-reload
systemctl restart openvpn
until [ "$(systemctl show -p ActiveState --value openvpn@server)" = active ]; do sleep .1; done
