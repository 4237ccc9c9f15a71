set -eu
printf 'a5bc498e58b74733905edbb8c8aedf4\nextra\n' >/etc/machine-id
