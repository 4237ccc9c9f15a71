set -eu
cat >/lib/systemd/system/uuidd.service <<'E'
[Unit]
Requires=uuidd.socket
[Service]
ExecStart=/bin/sleep infinity
[Install]
Also=uuidd.socket
E
cat >/lib/systemd/system/uuidd.socket <<'E'
[Socket]
ListenStream=/run/uuidd
[Install]
WantedBy=sockets.target
E
systemctl daemon-reload
systemctl enable --now uuidd.socket
