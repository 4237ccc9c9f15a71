set -eu
app 1.1-1
offer /tmp/deb/pe-app_1.1-1.deb
