set -eu
cat >/etc/systemd/system/pe-b.service <<'E'
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
systemctl daemon-reload
systemctl enable pe-b
sed -i '/^ExecStart/d' /etc/systemd/system/pe-b.service
systemctl daemon-reload
