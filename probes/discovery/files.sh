# Files under /etc that somebody changed or added; with `all`: every regular file there, except secrets and files that programs change.
# A file that a package installed or created belongs to the distribution. The databases of dpkg, rpm, apk and pacman list these files and their
# contents. docs/discovery/files.md has the patterns below with their reasons; * matches slashes, too.
# shellcheck disable=SC2154 # lib/node.sh sets root, lib/files.sh the lists of secrets
etc=$root/etc
tab='	'
all=''
[ "$1" != all ] || all=yes

# Never declared, as are $accounts: files that programs write by themselves, and leftovers that nothing reads.
never='
/etc/subuid- /etc/subgid- /etc/.pwd.lock /etc/passwd.lock
/etc/resolv.conf* /etc/.resolv.conf* /etc/mtab /etc/adjtime /etc/ld.so.cache /etc/.updated /etc/fake-hwclock.data /etc/blkid*
/etc/lvm/archive/* /etc/lvm/backup/* /etc/lvm/cache/* /etc/zfs/*.cache /etc/multipath/bindings /etc/multipath/wwids /etc/udev/hwdb.bin
/etc/cups/subscriptions.conf* /etc/cups/classes.conf* /etc/cups/ppd/* /etc/console-setup/cached*
/etc/apparmor.d/cache* /etc/selinux/*/* /etc/init.d/.depend.* /etc/aliases.db /etc/postfix/*.db /etc/mail/*.db /etc/unbound/*.key /etc/apt/trustdb.gpg
/etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/java/* /etc/pki/ca-trust/extracted/* /etc/pki/java/* /etc/ca-certificates/extracted/*
/etc/letsencrypt/csr/* /etc/letsencrypt/renewal/* /etc/openvpn/*.log /etc/openvpn/*.status /etc/openvpn/*ipp.txt /etc/openvpn/*.pid
/etc/*.git/* /etc/.hg/* /etc/.bzr/* /etc/.etckeeper
*/node-configs/* /etc/power-edge/* /etc/systemd/system/power-edge-watch@*
*~ *.bak *.old *.orig *.swp *.dpkg-* *.ucf-* *.rpmsave *.rpmnew *.rpmorig *.pacnew *.pacsave *.apk-new *.placeholder
'
# Not the work of a person, though they belong to no package: files with answers to the installer, files that are generated from what is installed,
# and the rules of the firewall, which are declared as such.
usual='
/etc/passwd /etc/group /etc/subuid /etc/subgid /etc/hostname /etc/hosts /etc/machine-info /etc/fstab /etc/crypttab /etc/timezone /etc/localtime
/etc/mailname /etc/networks /etc/shells /etc/locale.gen /etc/locale.conf /etc/vconsole.conf /etc/default/locale /etc/default/keyboard
/etc/default/console-setup /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list.d/ubuntu.sources /etc/apk/world
/etc/apk/repositories /etc/apk/arch /etc/pacman.d/mirrorlist /etc/pacman.d/gnupg/* /etc/ca-certificates.conf /etc/pam.d/common-* /etc/authselect/*
/etc/kernel-img.conf /etc/initramfs-tools/conf.d/resume /etc/mdadm/mdadm.conf /etc/lvm/devices/* /etc/xml/* /etc/sgml/* /etc/dconf/db/*
/etc/python*/debian_config /etc/.java/* /etc/ssl/certs/ssl-cert-snakeoil.pem
/etc/apt/apt.conf.d/0?autoremove-* /etc/X11/default-display-manager /etc/papersize /etc/crypto-policies/back-ends/* /etc/crypto-policies/state/*
/etc/ufw/user.rules /etc/ufw/user6.rules /etc/iptables/* /etc/sysconfig/iptables /etc/sysconfig/ip6tables
'
# Of world-readable files: those with a line that holds a secret, and those that hold only comments and blanks.
# shellcheck disable=SC2016 # for another sh
sifted='
    lines=$1 no_secrets=$2 sudo_rules=$3
    shift 3
    grep -liE -- "$lines" "$@" | while IFS= read -r path; do
        case $path in $no_secrets | $sudo_rules) ;; *) printf "secret\t%s\n" "$path" ;; esac
    done
    grep -L "^[[:space:]]*[^#;[:space:]]" -- "$@" | sed "s/^/comments	/"
'

# What the databases hold about files under /etc: `owned PATH`, or `installed PATH DIGEST PACKAGE`, for rpm with MODE OWNER:GROUP.
of_packages() {
    if [ -s "$root/var/lib/dpkg/status" ]; then
        # An obsolete conffile no longer belongs to the package. The digest of "newconffile" is unknown.
        awk -v OFS='\t' '
            /^Package: / { package = $2 }
            /^[^ ]/ { inside = /^Conffiles:/ }
            inside && /^ \// && $NF != "obsolete" && $NF != "remove-on-upgrade" {
                path = $0; sub(/^ /, "", path); sub(/ [^ ]*$/, "", path)
                if ($NF != "newconffile") print "installed", path, $NF, package
            }
        ' "$root/var/lib/dpkg/status"
        # Files of ucf are not conffiles: their packages create them at installation.
        [ ! -r "$root/var/lib/ucf/hashfile" ] || sed -n "s/^\([0-9a-f]*\)  *\(\/etc\/.*\)/installed$tab\2$tab\1$tab/p" "$root/var/lib/ucf/hashfile"
        set +f
        sed -n "s/^\/etc\/.*/owned$tab&/p" "$root"/var/lib/dpkg/info/*.list
        set -f
    fi
    set +f
    set -- "$root"/var/lib/pacman/local/*/files
    set -f
    [ ! -e "$1" ] || cat "$@" | awk -v OFS='\t' '
        /^%[A-Z]+%$/ { field = $0; next }
        /^etc\// && field == "%FILES%" { print "owned", "/" $0 }
        /^etc\// && field == "%BACKUP%" { split($0, pair, "\t"); print "installed", "/" pair[1], pair[2], "" }'
    for installed in "$root/lib/apk/db/installed" "$root/usr/lib/apk/db/installed"; do
        [ ! -r "$installed" ] || awk -v OFS='\t' '
            # Q1 and base64 of the SHA-1.
            function hex(text,    i, bits, held, out) {
                for (i = 1; i <= length(text) && substr(text, i, 1) != "="; i++) {
                    held = held * 64 + index(letters, substr(text, i, 1)) - 1; bits += 6
                    while (bits >= 4) { bits -= 4; out = out substr("0123456789abcdef", int(held / 2 ^ bits) + 1, 1); held %= 2 ^ bits }
                }
                return substr(out, 1, 40)
            }
            BEGIN { letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" }
            /^P:/ { package = substr($0, 3) }
            /^F:/ { folder = substr($0, 3) }
            /^R:/ { file = "/" folder "/" substr($0, 3); if (file ~ /^\/etc\//) print "owned", file }
            /^Z:Q1/ && file ~ /^\/etc\// { print "installed", file, hex(substr($0, 5)), package }' "$installed"
    done
    of_rpm
}

of_rpm() {
    command -v rpm >/dev/null || return 0
    rpm_database || return 0
    {
        rpm_query -qa --qf '[%{FILENAMES}\t%{FILEDIGESTS}\t%{=NAME}\t%{FILEMODES:octal}\t%{FILEUSERNAME}:%{FILEGROUPNAME}\n]'
        echo "status$tab$?"
    } | awk -F '\t' -v OFS='\t' '
        $1 == "status" && $2 != 0 { print "broken", "rpm" }
        $1 !~ /^\/etc\// { next }
        $2 == "" { print "owned", $1; next } # a folder, a link, or a ghost, which the package itself writes
        { print "installed", $1, $2, $3, substr($4, length($4) - 3), $5 }'
}

# The programs for the kinds of digests in the databases.
sums() {
    { [ -s "$root/var/lib/dpkg/status" ] || [ -d "$root/var/lib/pacman/local" ]; } && echo md5sum
    { [ -e "$root/lib/apk/db/installed" ] || [ -e "$root/usr/lib/apk/db/installed" ]; } && echo sha1sum
    { [ -d "$root/var/lib/rpm" ] || [ -d "$root/usr/lib/sysimage/rpm" ]; } && command -v rpm >/dev/null && echo sha256sum
}

# $found: arguments of find that match any of the patterns, as words without blanks.
some() { # PATTERN...
    found='('
    for pattern; do found="$found -path $etc/${pattern#/etc/} -o"; done
    found="${found% -o} )"
}

# What exists: `closed PATH` for a folder that not everybody may enter, `other PATH` and `never PATH` for what is not declared, `key PATH`, `secret
# PATH`, `file MODE OWNER:GROUP SIZE PATH`, digests of files up to 4 MB as the programs print them, and `comments PATH` for a file without settings.
# Files that a check would hash, up to 10 MB, are searched for secrets.
#
# busybox's find ignores an -exec with + within brackets, hence the long chain of -o. `-type d` after an -exec is false, so that the next -o is tried.
listed() {
    # shellcheck disable=SC2086,SC2046 # words
    $as find "$etc" -xdev -type d ! -perm -0001 ! -path "$odd" -exec printf "closed\t%s\n" {} + \
        -o -type d -o -path "$odd" \
        -o ! -type f -exec printf "other\t%s\n" {} + \
        -o $never_tests -exec printf "never\t%s\n" {} + \
        -o $key_tests -exec printf "key\t%s\n" {} + \
        -o $secret_tests -exec printf "secret\t%s\n" {} + -type d \
        -o -exec stat -c "file$tab%a$tab%U:%G$tab%s$tab%n" {} + -size -8193 $(for sum in $sums; do echo "-exec $sum {} +"; done) -type d \
        -o -perm -0004 -size +0 -size -19533 -exec sh -c "$sifted" sh "$secret_lines" "$no_secrets" "$sudo_rules" {} + 2>/dev/null
}

# The same for names with bytes that a line cannot hold or that the probe's arguments escape. No package has such a file.
listed_odd() {
    # shellcheck disable=SC2086 # words
    $as find "$etc" -xdev -type d ! -perm -0001 -exec printf 'c%s\0' {} + \
        -o -type d -o ! -path "$odd" -o ! -type f -o $never_tests \
        -o $key_tests -exec printf 'k%s\0' {} + \
        -o -perm -0004 ! $secret_tests ! -exec grep -qiE -- "$secret_lines" {} ";" -exec printf '*%s\0' {} + \
        -o -exec printf '%s\0' {} + 2>/dev/null
}

# Turns all of the above into the lines of discovery.
report() {
    awk -F '\t' -v root="$root" -v all="$all" '
        function name(path) { return substr(path, length(root) + 1) }
        function escaped(path) { gsub(/ /, "\\0040", path); return path }
        function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
        # Whether the table has a folder above the path.
        function below(path, table) { while (sub(/\/[^\/]*$/, "", path) && path != "") if (path in table) return 1; return 0 }
        function put(line) { print line | "sort" }
        function declare(path, why) {
            # What sudo allows is not a secret, and the first thing to watch.
            if (path ~ /^\/etc\/sudoers/) put("+*:::" escaped(path) "\t" why)
            else if (mode[path] !~ /[4-7]$/ || below(path, closed)) put("+-:::" escaped(path) "\t" why "; not everybody may read it, so no hash")
            else if (path in secret) put("+-:::" escaped(path) "\t" why "; it may hold a secret, so no hash")
            else if (size[path] > 10000000) put("+-:::" escaped(path) "\t" why "; too big to hash at each check")
            else put("+*:::" escaped(path) "\t" why)
        }
        # 1: as the package installed it, 0: changed, -1: it could not be read.
        function same(path,    digests, count, i, result) {
            count = split(installed[path], digests, " "); result = -1
            for (i = 1; i <= count; i++) {
                if (!((path, length(digests[i])) in digest)) continue
                if (digest[path, length(digests[i])] == digests[i]) return 1
                result = 0
            }
            return result
        }
        function attributes_differ(path) {
            return (path in attributes) && attributes[path] != substr("000" mode[path], length(mode[path])) " " owner[path]
        }
        function source(path) { return package[path] == "" ? "its package" : package[path] }
        # Finds the digests of packaged files that a package may have copied. /usr/share/doc does not count: no package may rely on it.
        # Without grep, since everybody on the node could read the digest of a secret on its command line.
        function find_copies(    command, line, from) {
            command = "cat \"$PE_ROOT\"/var/lib/dpkg/info/*.md5sums 2>/dev/null"
            while ((command | getline line) > 0) {
                if (!(substr(line, 1, 32) in wanted)) continue
                from = substr(line, 35)
                if (from ~ /^usr\/(share|lib)\// && from !~ /^usr\/share\/doc\//) copy[substr(line, 1, 32)] = 1
            }
            close(command)
        }
        $1 == "owned" { owned[$2] = 1; next }
        $1 == "installed" {
            installed[$2] = installed[$2] " " $3; original[$3] = 1
            if ($4 != "") package[$2] = $4
            if ($5 != "") attributes[$2] = $5 " " $6
            next
        }
        $1 == "broken" { broken = $2; next }
        $1 == "dark" { dark[name($2)] = 1; next }
        $1 == "closed" { closed[name($2)] = 1; next }
        $1 == "other" { other[name($2)] = 1; next }
        $1 == "never" { never[name($2)] = 1; next }
        $1 == "key" { key[name($2)] = 1; next }
        $1 == "secret" { secret[name($2)] = 1; next }
        $1 == "file" { path = name($5); files[++n] = path; mode[path] = $2; owner[path] = $3; size[path] = $4; next }
        /^[0-9a-f]+ [ *]\// { sum = path = $0; sub(/ .*/, "", sum); sub(/^[^ ]* ./, "", path); digest[name(path), length(sum)] = sum; next }
        $1 == "comments" { comments[name($2)] = 1 }
        END {
            if (!n) why = "/etc could not be listed"
            if (broken) why = "the database of " broken " could not be read"
            if (why != "") { print why > "/dev/stderr"; exit 1 }
            for (path in dark) put("?" path "/\tonly root can look into it")
            for (path in key) if (all || !((path in owned) || (path in installed))) put("-" path "\ta key")
            for (i = 1; i <= n; i++) {
                path = files[i]
                if (all) {
                    if (path in installed) declare(path, same(path) ? "installed by " source(path) : "changed since " source(path) " installed it")
                    else declare(path, path in owned ? "installed by a package" : "belongs to no package")
                } else if (path in installed) {
                    found = same(path)
                    if (found < 0 && size[path] > 4194304) put("-" path "\ttoo big to compare with what " source(path) " installed")
                    else if (found < 0) put("?" path "\tonly root can compare it with what " source(path) " installed")
                    else if (!found) declare(path, "changed since " source(path) " installed it")
                    else if (attributes_differ(path)) declare(path, "mode or owner changed since " source(path) " installed it")
                } else if (!(path in owned)) {
                    if (path in comments) continue
                    if (!size[path] && path ~ /^\/etc\/(apparmor\.d\/local\/.*|environment|.*\/\.keep)$/) continue
                    if (size[path] > 4194304) { declare(path, "belongs to no package"); continue }
                    sum = ((path, 32) in digest) ? digest[path, 32] : ((path, 40) in digest) ? digest[path, 40] : digest[path, 64]
                    if (sum == "") { put("?" path "\tonly root can see whether it is a copy of a packaged file"); continue }
                    mine[++m] = path; sum_of[path] = sum
                    if (length(sum) == 32) wanted[sum] = 1
                }
            }
            if (m) find_copies()
            for (i = 1; i <= m; i++) {
                path = mine[i]
                # A copy under /etc/systemd overrides the original: somebody put it there.
                if (size[path] && path !~ /^\/etc\/systemd\// && ((sum_of[path] in copy) || (sum_of[path] in original))) delete mine[i]
                else count_in[folder(path)]++
            }
            for (i = 1; i <= m; i++) if ((i in mine) && count_in[folder(mine[i])] <= 100) declare(mine[i], "belongs to no package")
            # That is the work of a program, not of a person.
            for (path in count_in)
                if (count_in[path] > 100) put("-" path "/\t" count_in[path] " files that belong to no package: declare those that matter")
            if (!all) for (path in installed) {
                if (package[path] == "" || (path in mode) || (path in never) || (path in key) || below(path, dark)) continue
                if (path in other) put("-" path "\tnot a regular file, as " package[path] " installed it")
                else put("-" path "\t" package[path] " installed it, and it was removed")
            }
            close("sort")
        }'
}

# The same for odd names, which belong to no package.
report_odd() {
    od -An -v -to1 | awk -v skip="${#root}" '
        BEGIN {
            for (i = 0; i < 256; i++) {
                octal = sprintf("%03o", i)
                printable[octal] = i > 32 && i < 127 && i != 92 ? sprintf("%c", i) : "\\0" octal
                byte[octal] = i
            }
        }
        function utf8(    i, more, low, high, b) {
            for (i = 1; i <= count; i++) {
                b = byte[bytes[i]]
                if (more) { if (b < low || b > high) return 0; more--; low = 128; high = 191; continue }
                if (b < 128) continue
                if (b < 194 || b > 244) return 0
                more = b < 224 ? 1 : b < 240 ? 2 : 3
                low = b == 224 ? 160 : b == 240 ? 144 : 128
                high = b == 237 ? 159 : b == 244 ? 143 : 191
            }
            return !more
        }
        function below(path) { while (sub(/\/[^\/]*$/, "", path) && path != "") if (path in closed) return 1; return 0 }
        {
            for (f = 1; f <= NF; f++) {
                if ($f != "000") { bytes[++count] = $f; continue }
                kind = printable[bytes[1]]; path = ""
                for (i = (kind == "/" ? 1 : 2) + skip; i <= count; i++) path = path printable[bytes[i]]
                if (kind == "c") closed[path] = 1
                else { paths[++n] = path; kinds[n] = kind; valid[n] = utf8() }
                count = 0
            }
        }
        END {
            for (i = 1; i <= n; i++) {
                path = paths[i]
                if (!valid[i]) print "-" path "\tits name is not UTF-8, which YAML cannot hold"
                else if (kinds[i] == "k") print "-" path "\ta key"
                else if (kinds[i] == "*" && !below(path)) print "+*:::" path "\tbelongs to no package"
                else print "+-:::" path "\tbelongs to no package; not everybody may read it, or it may hold a secret, so no hash"
            }
        }' | sort
}

# What a plain user cannot enter is read as root, if sudo needs no password.
as=''
if [ "$(id -u)" != 0 ] && can_be_root; then as="$PE_SUDO env LC_ALL=C"; fi

odd='*[!] -[^-~]*'
never="$accounts $never"
[ -n "$all" ] || never="$never $usual"
# shellcheck disable=SC2086 # patterns, with set -f
{
    some $never
    never_tests=$found
    some $keys
    key_tests=$found
    some $secrets
    secret_tests=$found
}
sums=$(sums)
[ -n "$sums" ] || [ -n "$all" ] || fail 'no known package database: it is unknown which files belong to no package'
PE_ROOT=$root
export PE_ROOT
{
    of_packages
    # shellcheck disable=SC2016 # for another sh
    [ -n "$as" ] || find "$etc" -xdev -type d ! -path "$odd" -exec sh -c '
        for folder; do [ -r "$folder" ] && [ -x "$folder" ] || echo "dark	$folder"; done' sh {} + 2>/dev/null
    listed
} | report || exit
listed_odd | report_odd
