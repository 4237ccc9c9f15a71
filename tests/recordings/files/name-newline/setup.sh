set -eu
mkdir -p /root/f
cd /root/f
umask 022
printf 'w\n' >'/root/f/a
b'
printf 'other\n' >a.conf
