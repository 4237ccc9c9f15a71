#!/bin/sh
# After a removal: dpkg says `remove` and `purge`, rpm says 0. On an upgrade all stays. Node-configs
# are the operator's, and stay as well.
set -e
case $1 in remove | purge | 0) ;; *) exit 0 ;; esac
rm -rf /var/cache/power-edge
# What `power-edge install-service` has written: its first line says so.
for unit in /etc/systemd/system/power-edge-watch@*.service /etc/systemd/system/power-edge-watch@*.service.d/50-power-edge-*.conf; do
    if [ -f "$unit" ] && head -n 1 "$unit" | grep -q '^# Written by power-edge install-service'; then rm "$unit"; fi
done
rmdir /etc/systemd/system/power-edge-watch@*.service.d 2>/dev/null || :
if [ "$1" = purge ]; then rm -rf /var/lib/power-edge /var/log/power-edge; fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl reset-failed 'power-edge-watch@*.service' 2>/dev/null || :
fi
