set -eu
marked pe-mrt2
systemctl daemon-reload
systemctl mask --runtime pe-mrt2
