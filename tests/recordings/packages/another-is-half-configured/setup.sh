set -eu
deb pe-app 1 all
offer /tmp/deb/pe-app.deb
deb pe-broken 1 all 'Depends: pe-lib
'
if dpkg -i /tmp/deb/pe-broken.deb; then exit 1; fi
deb pe-lib 1 all
dpkg -i /tmp/deb/pe-lib.deb
