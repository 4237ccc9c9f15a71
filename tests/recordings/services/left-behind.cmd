# case services/left-behind on Debian 12, systemd 252.39
# run as root on the node with LC_ALL=C
# setup
systemctl stop pe-q0 pe-q; cat > /etc/systemd/system/pe-left.service <<'E'
[Service]
KillMode=process
ExecStart=/bin/sh -c "sleep 9999 & exec sleep infinity"
E
systemctl daemon-reload; systemctl start pe-left; sleep .3; systemctl stop pe-left; sleep .3
# -> left-behind.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe '!pe-left.service'
