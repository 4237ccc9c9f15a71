set -eu
rpm --erase peapp
rpms peapp 1.20.1 1.el9 x86_64
