set -eu
deb() { # name version arch [more lines of the control file]: a package of nothing, as /tmp/deb/NAME.deb
    rm -rf /tmp/deb/tree
    mkdir -p /tmp/deb/tree/DEBIAN
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: x <x@x>\nDescription: made here\n%s' "$1" "$2" "$3" "${4-}" >/tmp/deb/tree/DEBIAN/control
    [ "$1" != nano ] || {
        mkdir -p /tmp/deb/tree/etc
        echo set >/tmp/deb/tree/etc/nanorc
        echo /etc/nanorc >/tmp/deb/tree/DEBIAN/conffiles
    }
    dpkg-deb -b /tmp/deb/tree "/tmp/deb/$1.deb" >/dev/null
}
deb nano 7.2-1+deb12u1 all
offer /tmp/deb/nano.deb
dpkg -i /tmp/deb/nano.deb
dpkg --remove nano
