# case services/v257-enabled-runtime on Debian 13 node, systemd 257.13
# run as root on the node with LC_ALL=C
# setup
systemctl disable pe-b; cat > /etc/systemd/system/pe-r.service <<'E'
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
E
systemctl daemon-reload; systemctl enable --runtime --now pe-r
# -> v257-enabled-runtime.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe '!pe-r.service'
