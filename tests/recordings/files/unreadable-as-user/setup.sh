set -eu
mkdir -p /srv/pe
printf 's3\n' >/srv/pe/secret
chmod 600 /srv/pe/secret
