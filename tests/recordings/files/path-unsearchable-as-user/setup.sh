set -eu
mkdir -p /srv/pe2
echo x >/srv/pe2/f
chmod 700 /srv/pe2
