set -eu
for version in 1.9-1 1.10-1; do app $version; done
offer /tmp/deb/pe-app_*.deb
dpkg -i /tmp/deb/pe-app_1.9-1.deb
