set -eu
rm -rf /var/lib/apt/lists/*
deb pe-app 1.1-1 all
dpkg -i /tmp/deb/pe-app.deb
