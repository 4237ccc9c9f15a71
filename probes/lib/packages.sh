# Which package manager owns the node. The check and the discovery of packages begin with this file.
set -f
root=${PE_ROOT-}
HOME=/ # what users configured for themselves (~/.rpmmacros, ~/.dpkg.cfg) is not the node's
export HOME
unset DPKG_ADMINDIR DPKG_ROOT RPM_CONFIGDIR APT_CONFIG # nor are databases and settings of a session

fail() {
    echo "$*" >&2
    exit 1
}

rpm_path() {
    command -v rpm >/dev/null && dbpath=$root$(rpm --eval %_dbpath) || dbpath=$root/var/lib/rpm
}

# Whether a manager's database is there and is not empty. (Asking rpm would create a missing one.)
has() {
    case $1 in
    dpkg) [ -s "$root/var/lib/dpkg/status" ] ;;
    apk) apk_path && [ -s "$installed" ] ;;
    pacman)
        (
            set +f
            set -- "$root"/var/lib/pacman/local/*/desc
            [ -e "$1" ]
        )
        ;;
    rpm)
        rpm_path
        [ -s "$dbpath/rpmdb.sqlite" ] || [ -s "$dbpath/Packages.db" ] || [ -s "$dbpath/Packages" ]
        ;;
    esac
}

apk_path() {
    for installed in "$root/lib/apk/db/installed" "$root/usr/lib/apk/db/installed"; do
        [ ! -e "$installed" ] || return 0
    done
    return 1
}

# The manager of a distribution, by an ID or a word of ID_LIKE of os-release(5); nothing where it is not known here.
# ALT installs rpms with a tool that is called apt-get: its database is rpm's.
manager_of() {
    case $1 in
    debian | ubuntu | raspbian | devuan | deepin | uos) echo dpkg ;;
    alpine | postmarketos | wolfi | chainguard | adelie) echo apk ;;
    arch | archlinux | archarm | manjaro | artix) echo pacman ;;
    rhel | fedora | centos | rocky | almalinux | ol | amzn | scientific | cloudlinux | virtuozzo) echo rpm ;;
    suse | sles | sled | sle_hpc | sle-micro | sl-micro | opensuse*) echo rpm ;;
    openeuler | euleros | hce | anolis | alinux | tencentos | opencloudos) echo rpm ;;
    altlinux | mageia | mandriva | openmandriva | rosa | pld | photon | mariner | azurelinux) echo rpm ;;
    esac
}

# $manager: the one that os-release names. Without an os-release the only one that has a database; but not on a system that is unknown here: an rpm
# database on a Gentoo says nothing of what is installed there.
choose() {
    id='' like='' manager=''
    for release in "$root/etc/os-release" "$root/usr/lib/os-release"; do
        [ -e "$release" ] || continue
        text=$(cat "$release") || fail "$release cannot be read, so the package manager is not known"
        id=$(unquoted "$(release_field ID)")
        like=$(unquoted "$(release_field ID_LIKE)")
        break
    done
    for family in $id $like; do
        manager=$(manager_of "$(echo "$family" | tr 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' 'abcdefghijklmnopqrstuvwxyz')")
        [ -n "$manager" ] || continue
        has "$manager" || fail "this is $id, but its $manager database is missing, empty or unreadable"
        return
    done
    [ -z "$id" ] || fail "the package manager of $id is not known here"
    for other in dpkg rpm apk pacman; do
        if has "$other"; then
            [ -z "$manager" ] || fail "os-release names no system, and there are databases of $manager and $other"
            manager=$other
        fi
    done
    [ -n "$manager" ] || fail 'os-release names no system, and there is no package database that is known here'
}

release_field() { # KEY of os-release(5), in $text; of several the last holds
    printf '%s\n' "$text" | sed -n "s/^$1=//p" | tail -n 1
}

unquoted() {
    value=${1#[\"\']}
    echo "${value%[\"\']}"
}
