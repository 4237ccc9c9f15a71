# case services/alias-link-only on Debian 12, systemd 252.39
# run as root on the node with LC_ALL=C
# setup
systemctl disable ssh; ln -s /lib/systemd/system/ssh.service /etc/systemd/system/sshd.service; systemctl daemon-reload
# -> alias-link-only.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe 'ssh.service' 'sshd.service'
