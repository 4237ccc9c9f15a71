set -eu
deb libc6-dev 2.36-9 all
offer /tmp/deb/libc6-dev.deb
