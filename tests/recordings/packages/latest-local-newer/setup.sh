set -eu
for version in 1.0-1 1.10-1; do app $version; done
offer /tmp/deb/pe-app_1.0-1.deb
dpkg -i /tmp/deb/pe-app_1.10-1.deb
