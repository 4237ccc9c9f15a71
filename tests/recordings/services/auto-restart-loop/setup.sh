set -eu
cat >/etc/systemd/system/pe-loop.service <<'E'
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/false
Restart=always
RestartSec=30
E
systemctl daemon-reload
systemctl start pe-loop
until [ "$(systemctl show -p SubState --value pe-loop)" = auto-restart ]; do sleep .1; done
