# case services/v257-plainly-up on Debian 13 node, systemd 257.13
# run as root on the node with LC_ALL=C
# setup
systemctl restart cron; systemctl start systemd-tmpfiles-clean.timer
# -> v257-plainly-up.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe '!cron.service' 'systemd-tmpfiles-clean.timer'
