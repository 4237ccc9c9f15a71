set -eu
mkdir -p /root/f
cd /root/f
umask 022
printf 'a\r\nb\r\n' >crlf
