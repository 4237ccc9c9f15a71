set -eu
deb pe-app 1.2-3+b1 all
offer /tmp/deb/pe-app.deb
dpkg -i /tmp/deb/pe-app.deb
