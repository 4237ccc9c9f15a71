set -eu
deb pe-lib 1 all
dpkg -i /tmp/deb/pe-lib.deb
deb pe-tool 1 all 'Depends: pe-lib
'
dpkg -i /tmp/deb/pe-tool.deb
