set -eu
mkdir -p /root/f
cd /root/f
umask 022
name=$(printf 'caf\351') # in Latin-1
printf 'w\n' >"$name"
