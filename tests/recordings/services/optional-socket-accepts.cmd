# case services/optional-socket-accepts on Debian 12, systemd 252.39
# run as root on the node with LC_ALL=C
# setup
systemctl disable ssh; systemctl enable ssh; cat > /etc/systemd/system/pe-tel.socket <<'E'
[Socket]
ListenStream=/run/pe-tel
Accept=yes
E
printf '[Service]\nExecStart=/bin/true\n' > /etc/systemd/system/pe-tel@.service
systemctl daemon-reload; systemctl start pe-tel.socket
# -> optional-socket-accepts.probe.txt  (exit 0): probes/resources/services.sh, run on the node
sh -c "$(cat services.sh)" pe '!pe-tel.service' '!pe-tel.socket'
