set -eu
deb pe-trig 1 all
echo 'interest-noawait pe-trigger' >/tmp/deb/tree/DEBIAN/triggers
printf '#!/bin/sh\nexit 0\n' >/tmp/deb/tree/DEBIAN/postinst
chmod 755 /tmp/deb/tree/DEBIAN/postinst
dpkg-deb -b /tmp/deb/tree /tmp/deb/pe-trig.deb
dpkg -i /tmp/deb/pe-trig.deb
dpkg-trigger --by-package=dpkg --no-await pe-trigger
