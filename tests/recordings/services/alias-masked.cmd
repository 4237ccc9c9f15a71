# case services/alias-masked on Debian 12, systemd 252.39
# run as root on the node with LC_ALL=C
# setup
rm /etc/systemd/system/sshd.service; systemctl enable ssh; rm /etc/systemd/system/sshd.service; ln -s /dev/null /etc/systemd/system/sshd.service; systemctl daemon-reload
# -> alias-masked.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe '!sshd.service' 'ssh.service'
