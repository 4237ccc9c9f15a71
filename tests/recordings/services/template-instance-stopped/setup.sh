set -eu
# An instance that can be started: there is no /etc/openvpn/other.conf.
mkdir -p /etc/systemd/system/openvpn@other.service.d
printf '[Service]\nType=simple\nExecStart=\nExecStart=/bin/sleep infinity\n' >/etc/systemd/system/openvpn@other.service.d/sleep.conf
systemctl daemon-reload
