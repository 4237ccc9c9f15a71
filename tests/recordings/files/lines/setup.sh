set -eu
mkdir -p /root/f
cd /root/f
umask 022
printf 'Port 22\n#PermitRootLogin no\nUseDNS no' >conf
printf 'UseDNS no\npassword = x\n' >secret
printf 'UseDNS no\n' >closed
chmod 600 closed
head -c 262145 /dev/zero | tr '\0' '\n' >large
