# case services/optional-alias-gone on Debian 12, systemd 252.39
# run as root on the node with LC_ALL=C
# setup
rm /etc/systemd/system/sshd.service; systemctl daemon-reload
# -> optional-alias-gone.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe '!sshd.service' '!telnetd.service'
