set -eu
cat >/etc/systemd/system/pe-r.service <<'E'
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
systemctl daemon-reload
systemctl enable --runtime --now pe-r
