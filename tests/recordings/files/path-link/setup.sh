set -eu
mkdir -p /root/f
cd /root/f
umask 022
ln -s /no/such dangling
ln -s 'two
lines' lines
echo x >file
