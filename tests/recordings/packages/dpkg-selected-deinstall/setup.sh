set -eu
deb less 590-2.1 all
dpkg -i /tmp/deb/less.deb
echo less deinstall | dpkg --set-selections
