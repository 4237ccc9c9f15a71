# What scripts of this folder call: it is sent to the node before each of them.
set -eu
deb() { # name version arch [more lines of the control file]: a package of nothing, as /tmp/deb/NAME.deb
    rm -rf /tmp/deb/tree
    mkdir -p /tmp/deb/tree/DEBIAN
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: x <x@x>\nDescription: made here\n%s' "$1" "$2" "$3" "${4-}" >/tmp/deb/tree/DEBIAN/control
    dpkg-deb -b /tmp/deb/tree "/tmp/deb/$1.deb" >/dev/null
}

offer() { # packages' files: they become the one repository of the node, and its lists are fresh
    mkdir -p /srv/repo
    cp "$@" /srv/repo/
    (
        cd /srv/repo
        for file in *.deb; do
            dpkg-deb -f "$file"
            printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$file" "$(stat -c %s "$file")" "$(sha256sum <"$file" | cut -c 1-64)"
        done >Packages
    )
    rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*
    echo 'deb [trusted=yes] http://127.0.0.1:8099 ./' >/etc/apt/sources.list.d/pe.list
    systemd-run -q --unit=pe-http python3 -m http.server 8099 --bind 127.0.0.1 --directory /srv/repo
    until python3 -c 'import socket; socket.create_connection(("127.0.0.1", 8099))' 2>/dev/null; do sleep .1; done
    apt-get update -qq
}

app() { # version: pe-app of that version, as /tmp/deb/pe-app_VERSION.deb
    deb pe-app "$1" all
    mv /tmp/deb/pe-app.deb "/tmp/deb/pe-app_$1.deb"
}

rpms() { # name version release arch: made and installed
    mkdir -p /tmp/rpm
    cd /tmp/rpm
    printf 'Name: %s\nVersion: %s\nRelease: %s\nSummary: made here\nLicense: none\n%%description\nNone.\n%%files\n' "$1" "$2" "$3" >"$1.spec"
    rpmbuild -bb --quiet --target "$4" --define "_topdir $PWD" --define "_rpmdir $PWD/rpms" "$1.spec"
    rpm --install --nodeps --ignorearch --force "$(find rpms -name "$1-$2-$3.$4.rpm")"
}
