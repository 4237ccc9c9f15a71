set -eu
printf '[Service]\nExecStart=/bin/sleep infinity\n' >/run/pe-l.service
ln -s /run/pe-l.service /etc/systemd/system/pe-l.service
mkdir -p /etc/systemd/system/multi-user.target.wants
printf '[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n' >/etc/systemd/system/pe-x.service
mkdir -p /etc/systemd/system/pe-x.service.d
printf '[Unit]\nWants=pe-l.service\n' >/etc/systemd/system/pe-x.service.d/a.conf
ln -s ../pe-x.service /etc/systemd/system/multi-user.target.wants/pe-x.service
systemctl daemon-reload
