set -eu
mkdir -p /opt/pe /root/marks
cat >/opt/pe/pe-linked.service <<'E'
[Service]
ExecStartPre=/bin/touch /root/marks/pe-linked
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
systemctl link /opt/pe/pe-linked.service
systemctl start pe-linked
