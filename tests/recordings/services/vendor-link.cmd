# case services/vendor-link on Debian 12, systemd 252.39
# run as root on the node with LC_ALL=C
# setup
rm /etc/systemd/system/sockets.target.wants/pe-s.socket; mkdir -p /usr/local/lib/systemd/system/multi-user.target.wants; cat > /usr/local/lib/systemd/system/pe-v.service <<'E'
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
ln -sf ../pe-v.service /usr/local/lib/systemd/system/multi-user.target.wants/; systemctl daemon-reload
# -> vendor-link.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe '!pe-v.service'
