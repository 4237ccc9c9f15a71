set -eu
marked pe-stale
systemctl daemon-reload
systemctl enable --now pe-stale
systemctl show -p UnitFileState pe-stale # which systemd keeps
rm /etc/systemd/system/multi-user.target.wants/pe-stale.service
