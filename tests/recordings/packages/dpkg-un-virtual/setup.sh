set -eu
deb() { # name version arch [more lines of the control file]: a package of nothing, as /tmp/deb/NAME.deb
    rm -rf /tmp/deb/tree
    mkdir -p /tmp/deb/tree/DEBIAN
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: x <x@x>\nDescription: made here\n%s' "$1" "$2" "$3" "${4-}" >/tmp/deb/tree/DEBIAN/control
    dpkg-deb -b /tmp/deb/tree "/tmp/deb/$1.deb" >/dev/null
}
deb msmtp-mta 1.8 all 'Provides: mail-transport-agent
'
dpkg -i /tmp/deb/msmtp-mta.deb
