set -eu
dpkg --add-architecture i386
deb libc6 "$(dpkg-query -W -f '${Version}' libc6)" i386 'Multi-Arch: same
'
dpkg -i /tmp/deb/libc6.deb
