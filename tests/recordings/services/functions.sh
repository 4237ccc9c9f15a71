# What scripts of this folder call: it is sent to the node before each of them.
set -eu
sysv() { # name: a SysV script that starts a sleep
    cat >"/etc/init.d/$1" <<E
#!/bin/sh
### BEGIN INIT INFO
# Provides: $1
# Required-Start: \$remote_fs
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
# Short-Description: $1
### END INIT INFO
case \$1 in start) touch /root/marks/$1; setsid sleep 100000 </dev/null >/dev/null 2>&1 & ;; stop) pkill -f 'sleep 10000[0]';; esac
exit 0
E
    chmod +x "/etc/init.d/$1"
    update-rc.d "$1" defaults
}
marked() { # name: an installed unit, not enabled, that leaves a mark when it starts
    mkdir -p /root/marks
    cat >"/lib/systemd/system/$1.service" <<E
[Unit]
Description=$1
[Service]
ExecStartPre=/bin/touch /root/marks/$1
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
}
