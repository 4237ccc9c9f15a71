# case services/enabled-for-a-disabled-unit on Debian 12, systemd 252.39
# run as root on the node with LC_ALL=C
# setup
systemctl disable pe-w; cat > /etc/systemd/system/pe-e2.service <<'E'
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
cat > /etc/systemd/system/pe-e.service <<'E'
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=pe-e2.service
E
systemctl daemon-reload; systemctl enable --now pe-e
# -> enabled-for-a-disabled-unit.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe '!pe-e.service'
