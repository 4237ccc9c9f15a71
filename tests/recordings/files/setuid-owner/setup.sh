set -eu
mkdir -p /root/f
cd /root/f
umask 022
cp /bin/true suid
chown nobody suid
chmod 4755 suid
