# case services/v257-start-queued on Debian 13 node, systemd 257.13
# run as root on the node with LC_ALL=C
# setup
cat > /etc/systemd/system/pe-q0.service <<'E'
[Unit]
Before=pe-q.service
[Service]
Type=notify
TimeoutStartSec=infinity
ExecStart=/bin/sleep infinity
E
cat > /etc/systemd/system/pe-q.service <<'E'
[Service]
ExecStart=/bin/sleep infinity
E
systemctl daemon-reload; systemctl start --no-block pe-q0 pe-q
# -> v257-start-queued.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe '!pe-q.service' '!pe-q0.service'
