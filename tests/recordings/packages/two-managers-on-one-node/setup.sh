set -eu
deb hello 2.10-3 all
dpkg -i /tmp/deb/hello.deb
# shellcheck disable=SC2016 # for the script
printf '#!/bin/sh\necho "package $3 is not installed"\nexit 1\n' >/usr/bin/rpm # an rpm whose database is empty
chmod 755 /usr/bin/rpm
