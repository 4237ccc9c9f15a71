set -eu
deb sl 5.02-1+b1 all
dpkg --unpack /tmp/deb/sl.deb
