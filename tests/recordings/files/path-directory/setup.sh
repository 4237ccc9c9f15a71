set -eu
mkdir -p /root/f
cd /root/f
umask 022
mkdir d
chown root:adm d
chmod 2750 d
ln -s d link
echo x >file
