set -eu
mkdir -p /root/marks
cat >/lib/systemd/system/pe-ndr.service <<'E'
[Unit]
Description=pe-ndr
[Service]
ExecStartPre=/bin/touch /root/marks/pe-ndr
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
systemctl daemon-reload
systemctl enable --now pe-ndr
touch -d '+2 seconds' /lib/systemd/system/pe-ndr.service # as an edit does
