set -eu
dpkg --add-architecture i386
deb hello 2.10-3 i386
dpkg -i /tmp/deb/hello.deb
