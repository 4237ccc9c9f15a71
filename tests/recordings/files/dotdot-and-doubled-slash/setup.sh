set -eu
mkdir -p /root/f
cd /root/f
umask 022
printf 'hello\n' >plain
