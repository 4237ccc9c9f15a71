# Who gets in: sshd's effective settings, the firewall, listening ports, last logins. What only root can read is `missing` without root.
# shellcheck disable=SC2154 # lib/node.sh sets root
may=yes
can_be_root || may=''

if ! command -v sshd >/dev/null; then
    missing sshd 'there is no sshd'
elif [ -z "$may" ]; then
    missing sshd 'only root can ask sshd'
elif settings=$(as_root sshd -T 2>/dev/null); then
    printf '%s\n' "$settings" | awk '
        { gsub(/[\001-\037\177]/, " ") }
        $1 ~ /^(port|permitrootlogin|passwordauthentication|kbdinteractiveauthentication|pubkeyauthentication|permitemptypasswords)$/ { print "sshd\t" $1 "\t" $2 }'
    # -T prints what holds outside of Match blocks.
    if as_root cat "$root/etc/ssh/sshd_config" "$root"/etc/ssh/sshd_config.d/*.conf 2>/dev/null | grep -qi '^[[:blank:]]*match[[:blank:]]'; then
        line sshd match yes
    fi
else
    missing sshd "$(error_of sshd -T)"
fi

if first_line "$root/etc/ufw/ufw.conf"; then line ufw "$(sed -n 's/^ENABLED=//p' "$root/etc/ufw/ufw.conf")"; fi
hooks() { # reads nft's list; prints the chains that incoming packets meet, and how many rules their tables have
    awk '
        function flush(  i) { for (i = 1; i <= n; i++) print "hook\t" hook[i] "\t" rules; n = rules = 0 }
        /^table / { flush(); family = $2; table = $3 }
        /^\tchain / { chain = $2; next }
        /^\t\ttype filter hook input / {
            policy = "accept"
            if (match($0, /policy [a-z]+/)) policy = substr($0, RSTART + 7, RLENGTH - 7)
            hook[++n] = family "\t" table "\t" chain "\t" policy
            next
        }
        /^\t\t[^\t]/ && !/^\t\t(type|comment|elements|flags|size) / { rules++ }
        END { flush() }'
}
saved() { # FAMILY: reads what iptables-save prints
    awk -v family="$1" '
        $1 == ":INPUT" && table == "*filter" { policy = tolower($2) }
        /^\*/ { table = $1 }
        /^-A / && table == "*filter" { rules++ }
        END { if (policy) print "hook\t" family "\tfilter\tINPUT\t" policy "\t" rules + 0 }'
}
firewall() {
    if [ -z "$may" ]; then
        missing firewall 'only root can read it'
        return
    fi
    looked='' save=''
    if ! command -v nft >/dev/null && ! command -v iptables-save >/dev/null; then
        missing firewall 'there is neither nft nor iptables-save'
        return
    fi
    if command -v nft >/dev/null; then
        if rules=$(as_root nft list ruleset 2>/dev/null); then
            looked=yes
            printf '%s\n' "$rules" | hooks
            case $rules in *ufw-user-input*) line filter ufw ;; esac
            case $rules in *'table inet firewalld'*) line filter firewalld ;; esac
        else
            missing firewall "$(error_of nft list ruleset)"
            return
        fi
    fi
    # Only these files name the tables of iptables-legacy: to list tables that do not exist would create them.
    for family in ip ip6; do
        tables=$(as_root cat "$root/proc/net/${family}_tables_names" 2>/dev/null)
        if [ -n "$tables" ] || [ -z "$looked" ]; then
            save=${family}tables-save
            if [ -n "$tables" ] && command -v "${family}tables-legacy-save" >/dev/null; then save=${family}tables-legacy-save; fi
            rules=$(as_root "$save" 2>/dev/null) || {
                missing firewall "$save failed"
                return
            }
            printf '%s\n' "$rules" | saved $family
            case $rules in *ufw-user-input*) line filter ufw ;; esac
        fi
    done
    # Without nft the rules of nftables are unknown: iptables-save prints only those of its own tables.
    if [ -z "$looked" ] && nftables_may_filter; then
        missing firewall 'there is no nft to read the rules of nftables'
        return
    fi
    line filter read
}
# Succeeds if the kernel has nftables, or if that is not known.
nftables_may_filter() {
    [ ! -d "$root/sys/module/nf_tables" ] || return 0
    builtin=$(cat "$root/lib/modules/$(uname -r)/modules.builtin" 2>/dev/null) || return 0
    case $builtin in (*/nf_tables.ko*) ;; (*) return 1 ;; esac
}
firewall

# Only root sees the programs of other users' sockets.
if ! command -v ss >/dev/null; then
    missing listening 'there is no ss command'
else
    [ -z "$may" ] && missing programs 'only root can see the programs of the other ports'
    if [ -n "$may" ]; then sockets=$(as_root ss -tulnp); else sockets=$(ss -tulnp); fi || missing listening 'ss failed'
    printf '%s\n' "$sockets" | awk '
        $1 !~ /^(tcp|udp)$/ { next }
        {
            gsub(/[\001-\037\177]/, " ")
            port = address = $5; sub(/^.*:/, "", port); sub(/:[^:]*$/, "", address)
            program = ""
            if (match($0, /users:\(\("[^"]*"/)) program = substr($0, RSTART + 9, RLENGTH - 10)
            found = "listening\t" $1 "\t" address "\t" port "\t" program
            if (!seen[found]++) print found
        }'
fi

if ! command -v last >/dev/null; then
    missing logins 'there is no last command'
elif logins=$(last -w -n 20 --time-format iso 2>/dev/null); then
    printf '%s\n' "$logins" | awk '
        $1 == "reboot" || $1 == "shutdown" || $1 == "runlevel" || NF < 3 || $2 == "begins" { next }
        { gsub(/[\001-\037\177]/, " "); at = $3; from = ""; if ($3 !~ /^[0-9]+-[0-9][0-9]-[0-9][0-9]T/) { from = $3; at = $4 } }
        at ~ /T/ && ++count <= 5 { print "login\t" $1 "\t" $2 "\t" from "\t" at }'
else
    missing logins 'last failed'
fi
exit 0
