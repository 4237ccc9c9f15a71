set -eu
cat >/etc/systemd/system/pe-q0.service <<'E'
[Unit]
Before=pe-q.service
[Service]
Type=notify
TimeoutStartSec=infinity
ExecStart=/bin/sleep infinity
E
cat >/etc/systemd/system/pe-q.service <<'E'
[Service]
ExecStart=/bin/sleep infinity
E
systemctl daemon-reload
systemctl start --no-block pe-q0 pe-q
