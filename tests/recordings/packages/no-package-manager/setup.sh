set -eu
rm /usr/bin/dpkg-query
