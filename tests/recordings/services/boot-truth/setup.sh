set -eu
mkdir -p /root/marks
sysv pe-sysv
sysv pe-sysv2
update-rc.d pe-sysv2 disable
made() { # name folder: a unit that leaves a mark when it starts
    cat >"$2/$1.service" <<E
[Unit]
Description=$1
[Service]
ExecStartPre=/bin/touch /root/marks/$1
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
}
for name in mrt mrt2 ert stale stale2 ndr masked bare; do made "pe-$name" /lib/systemd/system; done
sed -i '/Install/,$d' /lib/systemd/system/pe-bare.service
mkdir -p /opt/pe
made pe-linked /opt/pe
systemctl daemon-reload
systemctl enable pe-mrt pe-stale pe-ndr pe-masked
systemctl mask --runtime pe-mrt pe-mrt2
systemctl mask pe-masked
systemctl enable --runtime pe-ert
systemctl link /opt/pe/pe-linked.service
rm /etc/systemd/system/multi-user.target.wants/pe-stale.service
ln -s /lib/systemd/system/pe-stale2.service /etc/systemd/system/multi-user.target.wants/
echo '# edited' >>/lib/systemd/system/pe-ndr.service
cd /etc/openvpn
openvpn --genkey secret static.key
printf 'dev tun\nifconfig 10.9.0.1 10.9.0.2\nsecret static.key\nport 1194\ncipher AES-256-CBC\nverb 1\n' >server.conf
systemctl daemon-reload
systemctl restart openvpn
until [ "$(systemctl show -p ActiveState --value openvpn@server)" = active ]; do sleep .1; done
