set -eu
cat >/etc/systemd/system/pe-slow.service <<'E'
[Service]
Type=notify
TimeoutStartSec=infinity
ExecStart=/bin/sleep infinity
E
systemctl daemon-reload
systemctl start --no-block pe-slow
until [ "$(systemctl show -p SubState --value pe-slow)" = start ]; do sleep .1; done
