set -eu
systemctl disable ssh
ln -sf /usr/lib/systemd/system/ssh.service /etc/systemd/system/sshd.service
systemctl daemon-reload
rm -f /etc/systemd/system/sshd.service
systemctl daemon-reload
