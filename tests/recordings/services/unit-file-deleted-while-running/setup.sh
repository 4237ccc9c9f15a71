set -eu
marked pe-gone
systemctl daemon-reload
systemctl start pe-gone
rm /lib/systemd/system/pe-gone.service
systemctl daemon-reload
