set -eu
mkdir -p /root/f
cd /root/f
umask 022
: >own
chown 4711:4712 own
