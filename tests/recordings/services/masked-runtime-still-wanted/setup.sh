set -eu
marked pe-mrt
systemctl daemon-reload
systemctl enable pe-mrt
systemctl mask --runtime pe-mrt
