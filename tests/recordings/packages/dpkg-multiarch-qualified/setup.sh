set -eu
deb() { # name version arch [more lines of the control file]: a package of nothing, as /tmp/deb/NAME.deb
    rm -rf /tmp/deb/tree
    mkdir -p /tmp/deb/tree/DEBIAN
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: x <x@x>\nDescription: made here\n%s' "$1" "$2" "$3" "${4-}" >/tmp/deb/tree/DEBIAN/control
    dpkg-deb -b /tmp/deb/tree "/tmp/deb/$1.deb" >/dev/null
}
dpkg --add-architecture i386
deb libc6 "$(dpkg-query -W -f '${Version}' libc6)" i386 'Multi-Arch: same
'
dpkg -i /tmp/deb/libc6.deb
