set -eu
printf 'uninitialized\n' >/etc/machine-id
