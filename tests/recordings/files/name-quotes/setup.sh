set -eu
mkdir -p /root/f
cd /root/f
umask 022
printf 'w\n' >"/root/f/it's \"q\""
printf 'other\n' >a.conf
