# What every probe begins with: the root of the node, its distribution, and how to ask as root.
# shellcheck disable=SC2034 # probes use it
root=${PE_ROOT-}

fail() { # MESSAGE...
    echo "$*" >&2
    exit 1
}

need() { # TOOL...: fails if the node lacks one of them
    for tool; do
        command -v "$tool" >/dev/null || fail "this node has no $tool"
    done
}

# The one way to root. `sudo -n` never asks for a password. As root, and without sudo, the command is run as it is.
as_root() { # COMMAND...
    ${PE_SUDO-} "$@"
}

can_be_root() {
    [ "$(id -u)" = 0 ] || { [ -n "${PE_SUDO-}" ] && $PE_SUDO true 2>/dev/null; }
}

# Prints the first error of a command that is run as root. Warnings of sudo, of a preloaded library and the like are not errors (prelude.sh).
error_of() { # COMMAND...
    as_root "$@" 2>&1 >/dev/null | sed "${PE_NOISE-}" | head -n 1
}

# Whether this runs in another network namespace than process 1: then it sees other interfaces, rules and values of net/. Only root can see the
# namespace of process 1. Without root, the names of the network devices are compared.
in_other_network() {
    if net_here=$(readlink "$root/proc/self/ns/net" 2>/dev/null) && net_of_1=$(as_root readlink "$root/proc/1/ns/net" 2>/dev/null); then :; else
        net_here=$(sed 's/:.*//' "$root/proc/self/net/dev" 2>/dev/null)
        net_of_1=$(sed 's/:.*//' "$root/proc/1/net/dev" 2>/dev/null)
    fi
    [ -n "$net_of_1" ] && [ "$net_of_1" != "$net_here" ]
}

# Sets os_id, os_like, os_version and os_name from os-release(5); the last assignment counts. Fails if it cannot be read, with its name in os_file,
# and if there is none, without a name. /usr/lib/os-release is read only if there is no other.
os_release() {
    os_id='' os_like='' os_version='' os_name='' os_text=''
    os_file=$root/etc/os-release
    [ -e "$os_file" ] || os_file=$root/usr/lib/os-release
    if [ ! -e "$os_file" ]; then
        os_file=''
        return 1
    fi
    os_text=$(cat "$os_file" 2>/dev/null) || return
    os_blanks=$IFS os_flags=$-
    set -f
    IFS='
'
    for os_value in $os_text; do
        os_key=${os_value%%=*}
        os_value=${os_value#*=}
        os_value=${os_value#[\"\']}
        os_value=${os_value%[\"\']}
        case $os_key in
        ID) os_id=$os_value ;;
        ID_LIKE) os_like=$os_value ;;
        VERSION_ID) os_version=$os_value ;;
        PRETTY_NAME) os_name=$os_value ;;
        esac
    done
    IFS=$os_blanks
    case $os_flags in *f*) ;; *) set +f ;; esac
}

# The table of distributions. Prints `MANAGER FAMILY` for an ID, or a word of ID_LIKE; nothing for one that is not in it. FAMILY is an os_family of
# system-identity.yaml, or - for a distribution that belongs to none of those. ALT installs rpms with a tool that is called apt-get.
distribution() { # WORD
    case $(printf %s "$1" | tr 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' 'abcdefghijklmnopqrstuvwxyz') in
    debian | ubuntu | raspbian | devuan | deepin | uos) echo dpkg debian ;;
    alpine | postmarketos | adelie) echo apk alpine ;;
    wolfi | chainguard) echo apk - ;;
    arch | archlinux | archarm | manjaro | artix) echo pacman arch ;;
    rhel | fedora | centos | rocky | almalinux | ol | amzn | scientific | cloudlinux | virtuozzo) echo rpm rhel ;;
    openeuler | euleros | hce | anolis | alinux | tencentos | opencloudos) echo rpm rhel ;;
    suse | sles | sled | sle_hpc | sle-micro | sl-micro | opensuse*) echo rpm - ;;
    altlinux | mageia | mandriva | openmandriva | rosa | pld | photon | mariner | azurelinux) echo rpm - ;;
    esac
}

# Sets dbpath to the folder of rpm's database, and fails if that is empty. rpm would create a missing one. busybox has an rpm that knows no database.
rpm_database() {
    command -v rpm >/dev/null && dbpath=$root$(rpm --eval %_dbpath 2>/dev/null) || dbpath=$root/var/lib/rpm
    [ -s "$dbpath/rpmdb.sqlite" ] || [ -s "$dbpath/Packages.db" ] || [ -s "$dbpath/Packages" ]
}

# As root, rpm opens its database for writing, and renews the -shm file. So root asks as nobody, if the node can do that and nobody may read it.
rpm_query() { # ARGUMENT...
    if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups rpm --dbpath "$dbpath" "$@" 2>/dev/null; then return; fi
    rpm --dbpath "$dbpath" "$@"
}
