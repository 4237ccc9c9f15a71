set -eu
app 1.0-1
offer /tmp/deb/pe-app_1.0-1.deb
dpkg -i /tmp/deb/pe-app_1.0-1.deb
echo 'deb [trusted=yes] http://localhost:9/x ./' >/etc/apt/sources.list.d/dead.list
rm -rf /var/lib/apt/lists/*
apt-get update -qq # status 0, for all that a source fails
