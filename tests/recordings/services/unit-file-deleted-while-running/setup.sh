set -eu
mkdir -p /root/marks
cat >/lib/systemd/system/pe-gone.service <<'E'
[Unit]
Description=pe-gone
[Service]
ExecStartPre=/bin/touch /root/marks/pe-gone
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
systemctl daemon-reload
systemctl start pe-gone
rm /lib/systemd/system/pe-gone.service
systemctl daemon-reload
