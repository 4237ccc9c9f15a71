set -eu
systemctl disable ssh
ln -s /lib/systemd/system/ssh.service /etc/systemd/system/sshd.service
systemctl daemon-reload
