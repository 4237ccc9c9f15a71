set -eu
mkdir -p /root/marks
sysv pe-sysv
systemctl daemon-reload
systemctl start pe-sysv
until pgrep -f 'sleep 10000[0]' >/dev/null; do sleep .1; done
# What ends within a minute may be a script that has done its work.
began=$(($(systemctl show -p ActiveEnterTimestampMonotonic --value pe-sysv) / 1000000))
until [ "$(cut -d. -f1 /proc/uptime)" -gt $((began + 61)) ]; do sleep 1; done
pkill -f 'sleep 10000[0]'
until [ "$(systemctl show -p SubState --value pe-sysv)" = exited ]; do sleep .1; done
