set -eu
mkdir -p /root/marks
cat >/lib/systemd/system/pe-mrt2.service <<'E'
[Unit]
Description=pe-mrt2
[Service]
ExecStartPre=/bin/touch /root/marks/pe-mrt2
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
systemctl daemon-reload
systemctl mask --runtime pe-mrt2
