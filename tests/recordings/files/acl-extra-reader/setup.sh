set -eu
mkdir -p /root/f
cd /root/f
umask 022
echo x >acl
chmod 600 acl
setfacl -m u:nobody:r acl
