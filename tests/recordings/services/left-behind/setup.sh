set -eu
cat >/etc/systemd/system/pe-left.service <<'E'
[Service]
KillMode=process
ExecStart=/bin/sh -c "sleep 9999 & exec sleep infinity"
E
systemctl daemon-reload
systemctl start pe-left
until pgrep -f 'sleep 999[9]' >/dev/null; do sleep .1; done
systemctl stop pe-left
