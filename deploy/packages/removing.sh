#!/bin/sh
# Before a removal: dpkg says `remove`, rpm says 0. On an upgrade the watches run on.
set -e
case $1 in remove | 0) ;; *) exit 0 ;; esac
if [ -d /run/systemd/system ]; then systemctl stop 'power-edge-watch@*.service' || :; fi
# What `systemctl enable` has made; without the program it is of no use.
for link in /etc/systemd/system/*.wants/power-edge-watch@*.service; do
    if [ -L "$link" ]; then rm "$link"; fi
done
