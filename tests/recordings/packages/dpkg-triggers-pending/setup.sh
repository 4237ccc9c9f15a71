set -eu
deb() { # name version arch [more lines of the control file]: a package of nothing, as /tmp/deb/NAME.deb
    rm -rf /tmp/deb/tree
    mkdir -p /tmp/deb/tree/DEBIAN
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: x <x@x>\nDescription: made here\n%s' "$1" "$2" "$3" "${4-}" >/tmp/deb/tree/DEBIAN/control
    dpkg-deb -b /tmp/deb/tree "/tmp/deb/$1.deb" >/dev/null
}
deb pe-trig 1 all
echo 'interest-noawait pe-trigger' >/tmp/deb/tree/DEBIAN/triggers
printf '#!/bin/sh\nexit 0\n' >/tmp/deb/tree/DEBIAN/postinst
chmod 755 /tmp/deb/tree/DEBIAN/postinst
dpkg-deb -b /tmp/deb/tree /tmp/deb/pe-trig.deb
dpkg -i /tmp/deb/pe-trig.deb
dpkg-trigger --by-package=dpkg --no-await pe-trigger
