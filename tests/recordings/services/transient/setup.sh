set -eu
systemd-run -q --unit=pe-tr sleep infinity
