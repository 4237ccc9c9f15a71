set -eu
rm -f /etc/systemd/system/sshd.service /etc/systemd/system/multi-user.target.wants/ssh.service
systemctl stop cron
systemctl daemon-reload
systemctl reset-failed
