# An argument is what an item declares of a package (NAME or NAME:ARCH): `NAME` for present, `-NAME` for absent, `=NAME=VERSION` for a version,
# `+NAME` for the latest one. Output:
#   manager dpkg|rpm|apk|pacman ARCH TOOL       the manager, the node's architecture (- if a bare name does not mean it), and the installing program
#   asked NAME                                  for each argument
#   row NAME ARCH WANT/STATUS/FLAG VERSION      a package in the database with such a name, or that the manager takes the name for
#   provides PACKAGE NAME                       an installed package that provides such a name
#   orphan NAME                                 a name that the database does not hold, though dpkg's list of its files exists
#   broken NAME WANT/STATUS/FLAG                any package that is neither installed nor removed completely (dpkg)
# For what the package lists offer, raw output after the tags now, clock, uri, list, release, policy, repo, sync; and
#   missing LIST                                a package list that is missing, though the Release file of its source has an index that is not empty
#   cut LIST                                    a package list that its Release file does not have, or has with another size; or a Release file that is empty,
#                                               cut (it has no end of its signature, or lacks hashes) or cannot be read
# For what apt would do, for each item that seems to differ:
#   try NAME WORD...                            the arguments of apt-get
#   sim NAME LINE                               a line of `apt-get -s`
#   way NAME WHAT                               an installed package that access to the node may depend on, and why
# No error of a tool means that a package is absent: only a database does that was read and holds other packages.
# shellcheck disable=SC2154 # lib/node.sh and lib/packages.sh set manager, installed, dbpath and root
nl='
'
first_tool() {
    for tool; do
        if command -v "$tool" >/dev/null; then
            echo "$tool"
            return
        fi
    done
    echo -
}

# stdin: PACKAGE<tab>ARCH<tab>STATE<tab>VERSION<tab>PROVIDES (with commas, versions and blanks) of every package, then `status N` of the command.
# Prints the lines for the arguments. Fails if no package is installed, or if the command failed.
rows_of() {
    awk -F '\t' '
        BEGIN {
            for (i = 1; i < ARGC; i++) { name = ARGV[i]; sub(/:.*/, "", name); wanted[tolower(name)] = 1 }
            ARGC = 1
            status = 1
        }
        NF == 1 && /^status [0-9]+$/ { status = substr($0, 8); next }
        NF != 5 { next } # a line of a wrapper
        {
            here = $3 !~ /\/(not-installed|config-files)\//
            installed += here
            if (here && $3 !~ /\/(installed|triggers-awaited|triggers-pending)\/ok$/) print "broken", $1, $3
            if (tolower($1) in wanted) print "row", $1, ($2 == "" ? "-" : $2), $3, ($4 == "" ? "-" : $4)
            if (!here || $5 == "") next
            count = split($5, names, /, */)
            for (i = 1; i <= count; i++) {
                name = names[i]
                sub(/[ :(=<>~].*/, "", name)
                if (tolower(name) in wanted && name != $1) print "provides", $1, name
            }
        }
        END { exit status != 0 || !installed }
    ' "$@"
}

dpkg_rows() {
    command -v dpkg-query >/dev/null || fail 'this node has no dpkg-query'
    native=$(dpkg --print-architecture) || fail 'dpkg does not print its architecture'
    echo "manager dpkg $native $(first_tool apt-get)"
    {
        dpkg-query ${root:+"--admindir=$root/var/lib/dpkg"} -W \
            -f '${Package}\t${Architecture}\t${db:Status-Want}/${db:Status-Status}/${db:Status-Eflag}\t${Version}\t${Provides}\n'
        echo "status $?"
    } | rows_of "$@" || fail 'the dpkg database is empty or could not be read'
}

# dpkg removes the list of a package's files together with the last file. A list without a row means that rows were lost (a truncated or restored
# status file).
orphans() { # ROWS NAME...
    rows_text=$1
    shift
    set +f
    for name; do
        name=${name%%:*}
        case $name in *[A-Z]*) name=$(printf %s "$name" | tr 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' 'abcdefghijklmnopqrstuvwxyz') ;; esac
        case "$nl$rows_text" in *"${nl}row $name "*) continue ;; esac
        for file in "$root/var/lib/dpkg/info/$name.list" "$root/var/lib/dpkg/info/$name":*.list; do
            [ ! -s "$file" ] || { echo "orphan $name"; break; }
        done
    done
    set -f
}

apk_rows() {
    echo "manager apk - $(first_tool apk)"
    [ -r "$installed" ] || fail "$installed is not readable"
    # apk-tools writes f: if files, scripts or attributes could not be installed.
    {
        awk '
            function put() { if (name != "" && version != "") printf "%s\t%s\t-/installed/%s\t%s\t%s\n", name, arch, (flag == "" ? "ok" : flag), version, provided }
            /^P:/ { name = substr($0, 3) }
            /^V:/ { version = substr($0, 3) }
            /^A:/ { arch = substr($0, 3) }
            /^f:/ { flag = substr($0, 3) }
            /^p:/ { provided = substr($0, 3); gsub(/[a-z]+:[^ ]*/, "", provided); gsub(/ +/, ",", provided) }
            /^$/ { put(); name = version = arch = flag = provided = "" }
            END { put() }
        ' "$installed"
        echo "status $?"
    } | rows_of "$@" || fail "$installed is empty or could not be read"
}

# rpm also prints "not installed" for every package if its database is broken. So an answer may hold only rows and that phrase; and if it has no row,
# the database must have another package.
rpm_rows() {
    command -v rpm >/dev/null || fail 'this node has no rpm'
    echo "manager rpm - $(first_tool dnf yum zypper microdnf tdnf)"
    labels=''
    for name; do
        case $name in *:*) name=${name%%:*}.${name##*:} ;; esac
        labels="$labels $name"
    done
    # shellcheck disable=SC2086 # names without blanks
    rpm_answer '^(row |package .* is not installed$)' -q --qf "$rpm_row" -- $labels
    rows=$answer
    echo "$rows" | grep '^row '
    software
    if [ -z "$known" ]; then
        rpm_answer '^row ' -qa --qf "$rpm_row"
        software
        [ -n "$known" ] || fail 'the rpm database holds no package'
    fi
    missing=''
    for name in $labels; do
        case "$nl$rows" in *"${nl}row $name "*) ;; *) missing="$missing $name" ;; esac
    done
    [ -n "$missing" ] || return 0
    # A package provides its own name, so this answer has at least one row, too.
    # shellcheck disable=SC2086
    rpm_answer '^(provides |no package provides )' -q --qf "$rpm_provides" --whatprovides -- "$known" $missing
    case $answer in *"provides $known $known"*) ;; *) fail "rpm does not find what provides $known" ;; esac
    for name in $missing; do
        # If rpm is killed, it prints nothing for the rest.
        case "$answer$nl" in
        *"no package provides $name$nl"* | *" $name$nl"*) ;;
        *) fail "rpm did not answer what provides $name" ;;
        esac
    done
    echo "$answer" | while read -r word package name; do
        case "$word $missing " in provides*" $name "*) echo "provides $package $name" ;; esac
    done
}

# $known: a package in the answer, empty if there is none. (Imported signing keys are rows, too.)
software() {
    known=$(echo "$answer" | sed -n '/^row gpg-pubkey /d; s/^row \([^ ]*\) .*/\1/p' | head -n 1)
}

rpm_row='row %{NAME} %{ARCH} -/installed/ok %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\n'
rpm_provides='[provides %{=NAME} %{PROVIDENAME}\n]'

# $answer: the output of rpm in the expected form, as nobody, as this user or with sudo, whichever gives it first. As root rpm opens the database for
# writing and renews its -shm file, so root runs it as nobody if possible. An error or a warning of rpm itself makes its answer useless; other lines
# on stderr are not from rpm (a preloaded library, a wrapper, sudo).
rpm_answer() { # PATTERN ARGUMENT...
    pattern=$1
    shift
    drop=''
    [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null || drop='setpriv --reuid=65534 --regid=65534 --clear-groups'
    for by in "$drop" env "${PE_SUDO-}"; do
        [ -n "$by" ] || continue
        # shellcheck disable=SC2086 # words
        answer=$(
            { complaints=$($by rpm --dbpath "$dbpath" "$@" 2>&1 >&3 3>&-); } 3>&1
            errors=$(echo "$complaints" | grep -E '^((fatal )?error:|(warning: )?rpmdb:|BDB[0-9])')
            printf '%s' "${errors:+$nl$errors}"
        )
        strange=$(echo "$answer" | grep -Ev "$pattern") || return 0
    done
    # The first line is what a report shows.
    strange=${strange#"$nl"}
    fail "rpm: ${strange:-no packages}"
}

# Prints the output of pacman, and after it its errors; other lines on stderr are not from pacman.
pacman_output() { # ARGUMENT...
    {
        complaints=$(pacman ${root:+"--dbpath=$root/var/lib/pacman"} "$@" 2>&1 >&3 3>&-)
        status=$?
    } 3>&1
    echo "$complaints" | grep '^error: '
    return "$status"
}

# `pacman -Q NAME` also answers for packages that provide NAME, and for a constraint, so all packages are listed.
pacman_rows() {
    command -v pacman >/dev/null || fail 'this node has no pacman'
    echo "manager pacman - pacman"
    table=$(pacman_output -Q) || fail 'pacman could not list the packages'
    case "$nl$table" in *"${nl}error: "* | "$nl") fail "pacman: ${table:-no packages}" ;; esac
    missing=' '
    for name; do
        missing="$missing${name%%:*} "
    done
    blanks=$IFS
    IFS=$nl
    for line in $table; do
        name=${line%% *}
        case $missing in
        *" $name "*)
            echo "row $name - -/installed/ok ${line#* }"
            missing="${missing%%" $name "*} ${missing#*" $name "}"
            ;;
        esac
    done
    IFS=$blanks
    # shellcheck disable=SC2086 # names without blanks
    set -- $missing
    [ $# -gt 0 ] || return 0
    # Names that nothing provides; the others are provided by a package.
    unmet=$(pacman_output -T -- "$@")
    case $? in 0 | 127) ;; *) fail "pacman -T failed: $unmet" ;; esac
    case "$nl$unmet" in *"${nl}error: "*) fail "pacman: $unmet" ;; esac
    for name; do
        case "$nl$unmet$nl" in *"$nl$name$nl"*) ;; *) echo "provides - $name" ;; esac
    done
}

# Prints the seconds that a command may take: 4, and 8 for all together. Otherwise the deadline of the check would end them, and all would be unknown.
left() {
    left=$((began + 8 - $(date +%s)))
    [ "$left" -le 4 ] || left=4
    [ "$left" -ge 1 ] || left=1
    echo "$left"
}

# Prints the output of a command, each line after `TAG `, then `TAG status N`; then its stderr, each line after `stderr TAG `. stderr is kept apart,
# since a preloaded library or a wrapper may warn there, and a warning must not become part of a value.
tagged() { # TAG COMMAND...
    tag=$1
    shift
    limit=$(left)
    {
        complaints=$({
            {
                timeout "$limit" "$@" 3>&-
                printf '\n%s\n' "status $?"
            } | sed "s|^|$tag |" >&3
        } 2>&1)
    } 3>&1
    [ -z "$complaints" ] || printf '%s\n' "$complaints" | sed "s|^|stderr $tag |"
}

# The time of each file, or of what a link leads to: lists of `file:` repositories are links.
list_times() { # FILE...
    tagged list stat -L -c '%Y %n' -- "$@"
}

# The newest times that the node's clock wrote. If the clock was set back since then, ages are unknown.
clock() {
    for file in /run /tmp /var/log /var/lib/dpkg/status /var/lib/pacman/local \
        /var/lib/systemd/timesync/clock "$@"; do
        [ ! -e "$file" ] || stat -L -c 'clock %Y %n' -- "$file"
    done
}

# Runs apt without its caches, its log of the planner, and its hooks, which `-s` would run as well.
quiet_apt() { # TAG TOOL ARGUMENT...
    tag=$1 tool=$2
    shift 2
    printf '#clear AptCli::Hooks;\n' |
        tagged "$tag" "$tool" -c /dev/stdin -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Dir::Log::Planner=/dev/null "$@"
}

# Reads the package lists as they are on the node: nothing is refreshed, and no cache is written.
dpkg_candidates() { # ROWS WISHES
    command -v apt-cache >/dev/null || return 0
    tries=$(dpkg_tries "$1" "$2")
    newest=$(printf '%s\n' "$2" | sed -n 's/^+//p')
    names=$(printf '%s\n' "$tries" | sed 's/ .*//')
    [ -n "$newest$names" ] || return 0
    # shellcheck disable=SC2046,SC2086 # names without blanks
    policy=$(quiet_apt policy apt-cache policy -- $(printf '%s\n%s\n' "$newest" "$names" | sort -u))
    printf '%s\n' "$policy"
    [ -z "$newest" ] || list_ages
    differs=$(printf '%s\n' "$policy" | awk '
        $1 == "policy" && /^policy [^ ]+:$/ { name = substr($2, 1, length($2) - 1) }
        $2 == "Installed:" { installed = $3 }
        $2 == "Candidate:" && $3 != installed && installed != "(none)" { print name }')
    {
        printf '%s\n' "$tries"
        for name in $newest; do
            case "$nl$differs$nl" in *"$nl$name$nl"*) echo "$name install --no-install-recommends $name" ;; esac
        done
    } | simulate
}

list_ages() {
    uris=$(tagged uri apt-get update --print-uris)
    printf '%s\n' "$uris"
    lists=$(apt-config shell lists Dir::State::lists/d | sed -n "s/^lists='\(.*\)\/'\$/\1/p")
    [ -n "$lists" ] || lists=/var/lib/apt/lists
    clock "$lists"
    set +f
    # A Release file holds its date, and until when it is valid. A copy or `touch` does not change that.
    tagged release grep -EHi '^(Date|Valid-Until):' -- /dev/null "$lists"/*Release
    list_times "$lists"/*
    absent=$(printf '%s\n' "$uris" | sed -n "s/^uri '[^']*' \([^ ]*Packages\) .*/\1/p" | while read -r name; do
        for file in "$lists/$name" "$lists/$name".*; do ! is_list "$file" || continue 2; done
        printf '%s\n' "$name"
    done)
    ABSENT=$absent SIZES=$(list_sizes) wrong_lists "$lists"/*Release
    set -f
}

# Whether a file is there, and is a package list. Beside it apt keeps the index of its changes (`Packages.diff_Index`).
is_list() {
    case ${1##*Packages} in '' | .gz | .bz2 | .lzma | .xz | .lz4 | .zst) [ -e "$1" ] ;; *) false ;; esac
}

# Prints the size of each package list, and its name: of a compressed one the size of its content, 0 where that cannot be told.
list_sizes() {
    stat -L -c '%s %n' -- "$lists"/*Packages 2>/dev/null | sed 's|^\([0-9]*\) .*/|\1 |'
    for file in "$lists"/*Packages.*; do
        is_list "$file" || continue
        size=$(timeout "$(left)" "${PE_ROOT-}/usr/lib/apt/apt-helper" cat-file "$file" 2>/dev/null </dev/null | wc -c)
        name=${file##*/}
        echo "$((size)) ${name%.*}"
    done
}

# Prints the lists in $ABSENT that an update would have fetched, and those in $SIZES whose size is not that in their Release file: after a power cut
# a file may be empty, or lack its end. apt stores no list for an empty index, nor for an architecture that the release does not have, or does not list
# separately (`all`, on Debian). This finds a component that was added to a source after the last update.
wrong_lists() { # RELEASE...
    for file; do
        shift
        # mawk and that of busybox end at a file that cannot be read, and say nothing of the others.
        if [ -f "$file" ] && [ -r "$file" ] && [ -s "$file" ]; then
            set -- "$@" "$file"
            case $file in *InRelease) ;; *) [ -z "$(tail -c 1 -- "$file")" ] || echo "cut ${file##*/}" ;; esac # amid a line
        elif [ -e "$file" ]; then
            echo "cut ${file##*/}"
        fi
    done
    [ $# != 0 ] || return 0
    awk '
        BEGIN {
            count = split(ENVIRON["ABSENT"], names, "\n"); for (i = 1; i <= count; i++) absent[names[i]]
            count = split(ENVIRON["SIZES"], lines, "\n")
            for (i = 1; i <= count; i++) if (split(lines[i], words, " ") == 2) { n++; stored[n] = words[2]; size[n] = words[1] }
        }
        function released(name,    each) { for (each in prefixes) if (index(name, each) == 1) return 1; return 0 }
        FNR == 1 { file = prefix = FILENAME; sub(/.*\//, "", file); sub(/.*\//, "", prefix); sub(/(In)?Release$/, "", prefix); prefixes[prefix] }
        # A signature stands at the end.
        /^-----BEGIN PGP SIGNED MESSAGE-----/ { begun[file] }
        /^-----END PGP SIGNATURE-----/ { ended[file] }
        # Without one, the names stand there once for each kind of hash. apt asks for SHA256 or SHA512, which stand last.
        FNR == 1 { read[file] }
        /^[A-Za-z0-9]+:[ \t]*$/ { kind[file] = $1 }
        NF == 3 && $2 ~ /^[0-9]+$/ && ++names_of[file, kind[file]] > most[file] { most[file] = names_of[file, kind[file]] }
        /^Architectures:/ { archs[prefix] = " " $0 " " }
        /^Components:/ { parts = $0 " "; gsub(/_/, "%5f", parts); gsub(/\//, "_", parts); components[prefix] = parts }
        /^No-Support-for-Architecture-all:.*Packages/ { no_all[prefix] }
        NF == 3 && $2 ~ /^[0-9]+$/ && $3 ~ /Packages(\.[a-z0-9]+)?$/ {
            name = $3
            packed = sub(/\.[a-z0-9]+$/, "", name)
            sub(/^\.\//, "", name)
            gsub(/_/, "%5f", name); gsub(/~/, "%7e", name); gsub(/=/, "%3d", name); gsub(/@/, "%40", name)
            gsub(/\//, "_", name)
            name = prefix name
            if (!packed) full[name] = $2
            listed[name]
            if (!(name in absent)) next
            of[name] = prefix
            # A compressed empty file has some bytes, too.
            if (!packed) plain[name] = $2; else if (!(name in small) || $2 < small[name]) small[name] = $2
        }
        END {
            for (file in read) {
                if (file in begun ? !(file in ended) : kind[file] !~ /^SHA(256|512):$/ || names_of[file, kind[file]] < most[file]) print "cut", file
            }
            # A Release file may list compressed indices alone. Then the size is not known.
            for (i = 1; i <= n; i++) {
                name = stored[i]
                if (name in full ? full[name] != size[i] : !(name in listed) && released(name)) print "cut", name
            }
            # A component that the release has is listed, if only as empty, for each of its architectures.
            for (name in absent) {
                if (name in listed || name !~ /_Packages$/) continue
                for (each in prefixes) {
                    if (index(name, each) != 1) continue
                    part = arch = substr(name, length(each) + 1)
                    sub(/_binary-.*/, "", part)
                    sub(/_Packages$/, "", arch)
                    sub(/.*_binary-/, "", arch)
                    if (arch != "all" && index(archs[each], " " arch " ") && index(components[each], " " part " ")) print "missing", name
                }
            }
            for (name in of) {
                if (name in plain ? plain[name] == 0 : small[name] < 64) continue
                arch = name
                if (sub(/_Packages$/, "", arch) && sub(/.*_binary-/, "", arch)) {
                    if (arch == "all" && (of[name] in no_all)) continue
                    if ((of[name] in archs) && !index(archs[of[name]], " " arch " ")) continue
                }
                print "missing", name
            }
        }
    ' "$@" 2>/dev/null
}

# Prints for each item that seems to differ its name and the arguments of apt-get that change it. `dpkg --configure` is not a command of apt.
dpkg_tries() { # ROWS WISHES
    printf '%s\n' "$1" "$2" | awk '
        $1 == "manager" { native = $3 }
        $1 == "row" { n++; name[n] = tolower($2); arch[n] = $3; state[n] = $4; version[n] = $5 }
        $1 ~ /^(manager|row|provides|broken)$/ { next }
        function here(i) { return state[i] !~ /\/(not-installed|config-files)\// }
        function means(i) {
            if (arch_wanted == "any" || arch_wanted == arch[i]) return 1
            return (arch_wanted == "" || arch_wanted == "native" || arch_wanted == native) && arch[i] ~ /^(all|-)$/ || arch_wanted ~ /^(native)?$/ && arch[i] == native
        }
        NF == 1 {
            sign = substr($0, 1, 1)
            request = sign ~ /[-+=]/ ? substr($0, 2) : $0
            version_wanted = request; if (!sub(/^[^=]*=/, "", version_wanted)) version_wanted = ""
            sub(/=.*/, "", request)
            arch_wanted = request; if (!sub(/^[^:]*:/, "", arch_wanted)) arch_wanted = ""
            base = request; sub(/:.*/, "", base); base = tolower(base)
            apt = base (arch_wanted == "" ? "" : ":" arch_wanted)
            present = as_declared = broken = 0; others = ""
            for (i = 1; i <= n; i++) {
                if (name[i] != base || !here(i)) continue
                if (!means(i)) { if (arch_wanted == "" || arch[i] == "all") others = others " " base ":" arch[i]; continue }
                present = 1
                if (state[i] ~ /\/(installed|triggers-awaited|triggers-pending)\/ok$/) as_declared = as_declared || version_wanted == "" || version[i] == version_wanted
                else if (state[i] ~ /\/(half-configured|unpacked)\/ok$/) as_declared = as_declared || version_wanted == "" || version[i] == version_wanted
                else broken = 1
            }
            if (sign == "-") { if (present || others != "") print request, "remove" (present ? " " apt : "") others }
            else if (broken && version_wanted == "") print request, "install --no-install-recommends --reinstall", apt
            else if (!as_declared && version_wanted != "") print request, "install --no-install-recommends --allow-downgrades", apt "=" version_wanted
            else if (!as_declared) print request, "install --no-install-recommends", apt
        }'
}

# stdin: lines `NAME WORD...`. Simulates each, as long as there is time.
simulate() {
    while read -r name words; do
        [ -n "$name" ] || continue
        [ "$(left)" -gt 2 ] || break
        echo "try $name $words"
        # shellcheck disable=SC2086 # words
        quiet_apt "sim $name" apt-get -s -q -y $words
        for word in $words; do
            case $word in install | remove | -*) ;; *) access_needs "${word%%=*}" ;; esac
        done
    done
}

# Prints why access to the node may depend on a package, by the files that it holds.
access_needs() { # NAME
    {
        cut -d : -f 7 /etc/passwd | sed 's/^/shell /'
        dpkg-query -L -- "$1" 2>/dev/null
    } | awk -v name="$1" '
        /^shell / { shells[substr($0, 7)] = 1; next }
        function affects(what) { if (!(what in printed)) print "way", name, what; printed[what] = 1 }
        $0 in shells { affects("a login shell") }
        /^(\/usr)?\/lib\/systemd\/systemd$/ || /^\/boot\/vmlinuz/ { affects("the boot") }
        /^\/etc\/pam\.d\/(common-|login$|sshd$|sudo$)/ || /\/security\/pam_[^\/]*\.so$/ || /\/libnss_[^\/]*\.so/ { affects("logins") }
        !/^(\/usr)?(\/local)?\/(s?bin|lib|libexec)\// { next }
        { file = $0; sub(/.*\//, "", file) }
        file ~ /^(sshd|sshd-session|dropbear|tinysshd|in\.telnetd|telnetd)$/ { affects("remote logins") }
        file ~ /^(sudo|doas|su|login|agetty)$/ { affects("logins") }
        file ~ /^(NetworkManager|systemd-networkd|dhclient|dhcpcd|udhcpc|wpa_supplicant|iwd|connmand|ifup|netplan|pppd|wickedd|ip)$/ { affects("the network") }
        file ~ /^(openvpn|wg|wg-quick|tailscaled|zerotier-one|charon|charon-systemd|ipsec|nebula|openconnect|tincd|fastd)$/ { affects("a VPN") }
        file ~ /^(ufw|firewalld|nft|iptables|shorewall|ferm|fail2ban-server|netfilter-persistent)$/ { affects("the firewall") }
        file ~ /^(dbus-daemon|dbus-broker|grub-install|update-initramfs|udevd|systemd-udevd)$/ { affects("the boot") }
    '
}

pacman_candidates() {
    tagged repo pacman-conf --repo-list
    tagged sync pacman -Si -- "$@"
    clock
    set +f
    list_times /var/lib/pacman/sync/*.db
    set -f
}

began=$(date +%s)
choose
[ $# -gt 0 ] || set -- bash
wishes=$(printf '%s\n' "$@")
newest=''
for argument; do
    [ -n "$newest" ] || set --
    newest=yes
    name=${argument#[-+=]}
    set -- "$@" "${name%%=*}"
done
case $manager in
dpkg)
    rows=$(dpkg_rows "$@") || exit
    printf '%s\n' "$rows"
    orphans "$rows" "$@"
    ;;
rpm) rpm_rows "$@" ;;
apk) apk_rows "$@" ;;
pacman) pacman_rows "$@" ;;
esac
for name; do echo "asked $name"; done
echo "now $(date +%s)"
newest=$(printf '%s\n' "$wishes" | sed -n 's/^+//p')
# shellcheck disable=SC2086 # names without blanks
case $manager in
dpkg) dpkg_candidates "$rows" "$wishes" ;;
apk) [ -z "$newest" ] || tagged policy apk policy $newest ;;
pacman) [ -z "$newest" ] || pacman_candidates $newest ;;
esac
# rpm's own tools (dnf, yum, zypper) write logs and caches whenever they run. The exit status of a package list must not make the rest unknown.
exit 0
