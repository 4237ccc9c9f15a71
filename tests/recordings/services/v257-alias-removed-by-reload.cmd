# case services/v257-alias-removed-by-reload on Debian 13 node, systemd 257.13
# run as root on the node with LC_ALL=C
# setup
pkill -x sshd; systemctl enable ssh; systemctl reset-failed; systemctl restart ssh; systemctl disable ssh; ln -sf /usr/lib/systemd/system/ssh.service /etc/systemd/system/sshd.service; systemctl daemon-reload; systemctl stop apt-daily.timer; rm -f /etc/systemd/system/sshd.service; systemctl daemon-reload
# -> v257-alias-removed-by-reload.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe '!ssh.service'
