set -eu
cat >/etc/systemd/system/pe-limit.service <<'E'
[Unit]
StartLimitBurst=2
StartLimitIntervalSec=60
[Service]
ExecStart=/bin/false
Restart=always
RestartSec=0
E
systemctl daemon-reload
systemctl start pe-limit
until [ "$(systemctl show -p ActiveState --value pe-limit)" = failed ]; do sleep .1; done
