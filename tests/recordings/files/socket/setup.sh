set -eu
mkdir -p /root/f
cd /root/f
umask 022
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")'
