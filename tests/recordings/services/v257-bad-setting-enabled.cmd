# case services/v257-bad-setting-enabled on Debian 13 node, systemd 257.13
# run as root on the node with LC_ALL=C
# setup
cat > /etc/systemd/system/pe-b.service <<'E'
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
systemctl daemon-reload; systemctl enable pe-b; sed -i '/^ExecStart/d' /etc/systemd/system/pe-b.service; systemctl daemon-reload
# -> v257-bad-setting-enabled.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe 'pe-b.service'
