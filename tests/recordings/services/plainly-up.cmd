# case services/plainly-up on Debian 12, systemd 252.39
# run as root on the node with LC_ALL=C
# setup
systemctl restart cron; systemctl start systemd-tmpfiles-clean.timer
# -> plainly-up.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe '!cron.service' 'systemd-tmpfiles-clean.timer'
