set -eu
mkdir -p /root/f
cd /root/f
umask 022
mkdir -p /root/imm
mount -t tmpfs t /root/imm # an overlay has no attributes
echo x >/root/imm/imm
chattr +i /root/imm/imm
ln -s /root/imm/imm imm
