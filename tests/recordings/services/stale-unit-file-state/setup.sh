set -eu
mkdir -p /root/marks
cat >/lib/systemd/system/pe-stale.service <<'E'
[Unit]
Description=pe-stale
[Service]
ExecStartPre=/bin/touch /root/marks/pe-stale
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
systemctl daemon-reload
systemctl enable --now pe-stale
systemctl show -p UnitFileState pe-stale # which systemd keeps
rm /etc/systemd/system/multi-user.target.wants/pe-stale.service
