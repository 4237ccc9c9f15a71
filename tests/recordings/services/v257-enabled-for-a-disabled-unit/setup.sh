set -eu
cat >/etc/systemd/system/pe-e2.service <<'E'
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
cat >/etc/systemd/system/pe-e.service <<'E'
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=pe-e2.service
E
systemctl daemon-reload
systemctl enable --now pe-e
