set -eu
mkdir -p /tmp/half/DEBIAN /tmp/half/opt/pe-half
echo x >/tmp/half/opt/pe-half/f
printf 'Package: pe-half\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@x>\nDescription: made here\n' >/tmp/half/DEBIAN/control
# shellcheck disable=SC2016 # for the script
printf '#!/bin/sh\n[ "$1" != install ]\n' >/tmp/half/DEBIAN/preinst
printf '#!/bin/sh\nexit 1\n' >/tmp/half/DEBIAN/postrm
chmod 755 /tmp/half/DEBIAN/preinst /tmp/half/DEBIAN/postrm
dpkg-deb -b /tmp/half /tmp/half.deb
! dpkg -i /tmp/half.deb
