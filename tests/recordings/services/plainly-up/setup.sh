set -eu
systemctl restart cron
systemctl start systemd-tmpfiles-clean.timer
