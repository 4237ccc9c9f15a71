set -eu
cat >/etc/systemd/system/pe-w.service <<'E'
[Unit]
Wants=pe-w2.service
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
cat >/etc/systemd/system/pe-w2.service <<'E'
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
systemctl daemon-reload
systemctl enable pe-w
