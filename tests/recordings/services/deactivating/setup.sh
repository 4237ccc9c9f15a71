set -eu
cat >/etc/systemd/system/pe-stop.service <<'E'
[Service]
TimeoutStopSec=20
ExecStart=/bin/sh -c "trap '' TERM; while :; do sleep 1; done"
E
systemctl daemon-reload
systemctl start pe-stop
until pgrep -P "$(systemctl show -p MainPID --value pe-stop)" >/dev/null; do sleep .1; done # the trap is set
systemctl stop --no-block pe-stop
until [ "$(systemctl show -p SubState --value pe-stop)" = stop-sigterm ]; do sleep .1; done
