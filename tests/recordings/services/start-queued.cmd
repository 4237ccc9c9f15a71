# case services/start-queued on Debian 12, systemd 252.39
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
# -> start-queued.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe '!pe-q.service' '!pe-q0.service'
