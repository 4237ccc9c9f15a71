set -eu
mkdir -p /root/f
cd /root/f
umask 022
cp /bin/true sgid
chmod 3755 sgid
