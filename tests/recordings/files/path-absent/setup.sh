set -eu
mkdir -p /root/f
cd /root/f
umask 022
echo x >there
ln -s /no/such dangling
