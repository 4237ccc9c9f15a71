set -eu
deb msmtp-mta 1.8 all 'Provides: mail-transport-agent
'
dpkg -i /tmp/deb/msmtp-mta.deb
