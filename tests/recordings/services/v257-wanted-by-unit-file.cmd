# case services/v257-wanted-by-unit-file on Debian 13 node, systemd 257.13
# run as root on the node with LC_ALL=C
# setup
rm /usr/local/lib/systemd/system/multi-user.target.wants/pe-v.service; cat > /etc/systemd/system/pe-w.service <<'E'
[Unit]
Wants=pe-w2.service
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
cat > /etc/systemd/system/pe-w2.service <<'E'
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
systemctl daemon-reload; systemctl enable pe-w
# -> v257-wanted-by-unit-file.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe '!pe-w2.service'
