#!/bin/sh
# After an installation or an upgrade, of deb and rpm: watches go on with the new program.
set -e
case $1 in abort-*) exit 0 ;; esac
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl try-restart 'power-edge-watch@*.service' || :
fi
# What other versions have unpacked; nothing that a watch still runs.
for folder in /var/cache/power-edge/*; do
    [ "$folder" = "/var/cache/power-edge/@VERSION@" ] || rm -rf "$folder"
done
