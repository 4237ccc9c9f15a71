set -eu
for version in 1.0-1 1.10-1; do app $version; done
offer /tmp/deb/pe-app_*.deb
printf 'Package: pe-app\nPin: version 1.0-1\nPin-Priority: 990\n' >/etc/apt/preferences.d/pe
dpkg -i /tmp/deb/pe-app_1.0-1.deb
