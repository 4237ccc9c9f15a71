set -eu
mkdir -p /root/marks
cat >/lib/systemd/system/pe-mrt.service <<'E'
[Unit]
Description=pe-mrt
[Service]
ExecStartPre=/bin/touch /root/marks/pe-mrt
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
systemctl daemon-reload
systemctl enable pe-mrt
systemctl mask --runtime pe-mrt
