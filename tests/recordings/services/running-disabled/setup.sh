set -eu
systemctl disable cron
