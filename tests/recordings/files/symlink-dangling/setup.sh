set -eu
mkdir -p /root/f
cd /root/f
umask 022
ln -s /nonexistent/x dang
