set -eu
mkdir -p /root/f
cd /root/f
umask 022
mkdir dir
ln -s dir dlink
