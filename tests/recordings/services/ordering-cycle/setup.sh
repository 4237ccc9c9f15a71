set -eu
printf '[Service]\nExecStart=/bin/sleep infinity\n' >/etc/systemd/system/pe-c.service
mkdir -p /etc/systemd/system/sockets.target.wants
ln -s ../pe-c.service /etc/systemd/system/sockets.target.wants/pe-c.service
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/pe-o.service
systemctl -q enable pe-o.service
