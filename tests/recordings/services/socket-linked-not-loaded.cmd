# case services/socket-linked-not-loaded on Debian 12, systemd 252.39
# run as root on the node with LC_ALL=C
# setup
cat > /etc/systemd/system/pe-s.service <<'E'
[Service]
ExecStart=/bin/sleep infinity
E
printf '[Socket]\nListenStream=/run/pe-s\n[Install]\nWantedBy=sockets.target\n' > /etc/systemd/system/pe-s.socket; mkdir -p /etc/systemd/system/sockets.target.wants; ln -s ../pe-s.socket /etc/systemd/system/sockets.target.wants/
# -> socket-linked-not-loaded.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe '!pe-s.service'
