set -eu
mkdir -p /root/marks
sysv pe-sysv
systemctl daemon-reload
systemctl start pe-sysv
until pgrep -f 'sleep 10000[0]' >/dev/null; do sleep .1; done
pkill -f 'sleep 10000[0]'
until [ "$(systemctl show -p SubState --value pe-sysv)" = exited ]; do sleep .1; done
