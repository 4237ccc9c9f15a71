# Which package manager owns the node.
# shellcheck disable=SC2154 # lib/node.sh sets root, os_file, os_id and os_like
set -f
HOME=/ # what users configured for themselves (~/.rpmmacros, ~/.dpkg.cfg) is not the node's
export HOME
unset DPKG_ADMINDIR DPKG_ROOT RPM_CONFIGDIR APT_CONFIG # nor are databases and settings of a session

# Whether a manager's database exists and is not empty.
has_database() { # MANAGER
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
    rpm) rpm_database ;;
    esac
}

apk_path() {
    for installed in "$root/lib/apk/db/installed" "$root/usr/lib/apk/db/installed"; do
        [ ! -e "$installed" ] || return 0
    done
    return 1
}

# Sets manager to the one that os-release names; without an os-release to the only one that has a database. It fails for an unknown distribution: an
# rpm database on a Gentoo does not say what is installed there.
choose() {
    os_release || [ -z "$os_file" ] || fail "$os_file cannot be read, so the package manager is not known"
    manager=''
    for family in $os_id $os_like; do
        manager=$(distribution "$family")
        manager=${manager% *}
        [ -n "$manager" ] || continue
        has_database "$manager" || fail "this is $os_id, but its $manager database is missing, empty or unreadable"
        return
    done
    [ -z "$os_id" ] || fail "Power Edge does not know the package manager of $os_id"
    for other in dpkg rpm apk pacman; do
        if has_database "$other"; then
            [ -z "$manager" ] || fail "os-release names no system, and there are databases of $manager and $other"
            manager=$other
        fi
    done
    [ -n "$manager" ] || fail 'os-release names no system, and there is no package database that Power Edge knows'
}
