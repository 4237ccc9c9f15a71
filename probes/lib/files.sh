# Which files are secrets: by their path, or by a line in them. For a secret a check only says that it is equal or different; nothing shows its
# content or its hash. The check and the discovery of files begin with this file, and power_edge/resources/files/secrets.py reads it: each list is one
# text in single quotes. docs/discovery/files.md has the patterns with their reasons; * stands for slashes as well.
# shellcheck disable=SC2034 # what begins with this file uses them
set -f

# Passwords of accounts, what identifies the machine, and credentials that programs renew. Discovery never declares them.
accounts='
/etc/shadow* /etc/gshadow* /etc/passwd- /etc/group- /etc/security/opasswd
/etc/machine-id /etc/hostid /etc/ssh/ssh_host_* /etc/nvme/host* /etc/iscsi/initiatorname.iscsi /etc/*.duid /etc/*.tdb
/etc/letsencrypt/archive/* /etc/letsencrypt/live/* /etc/letsencrypt/accounts/* /etc/letsencrypt/keys/* /etc/*easy-rsa/pki/*
/etc/kubernetes/pki/* /etc/kubernetes/*.conf /etc/rancher/node/* /etc/rancher/k3s/k3s.yaml /etc/docker/key.json
/etc/salt/pki/* /etc/puppet*/ssl/* /etc/cups/printers.conf*
'
# Keys. Discovery only names them: whatever renews a certificate also renews its key.
keys='*.key *.p12 *.pfx *.jks *.keytab *.kdbx *id_rsa *id_dsa *id_ecdsa *id_ed25519 */private/*.pem'
# Passwords and keys belong there, whoever may read them. Discovery declares mode and owner only.
secrets='
/etc/NetworkManager/system-connections/* /etc/netplan/* /etc/wpa_supplicant/* /etc/hostapd/* /etc/wireguard/* /etc/amnezia/* /etc/ppp/* /etc/iwd/*
/etc/ipsec.secrets /etc/ipsec.d/* /etc/swanctl/* /etc/strongswan/* /etc/tinc/* /etc/snmp/* /etc/ssmtp/* /etc/msmtprc /etc/fetchmailrc
/etc/mysql/debian.cnf
/etc/freeradius/* /etc/raddb/* /etc/corosync/authkey /etc/munge/* /etc/ceph/*.keyring
*.my.cnf *.pgpass *.netrc *.psk *.keys *.ovpn *passwd* *password* *secret* *credential* *token* */private/*
'
# Lines that hold a secret, in the ways of configuration files, as grep -iE takes them: NAME = VALUE, a URL or curl's option with a password, the words
# of redis, keepalived, ldap, snmp, mysql and netrc, accounts of web servers, private keys. A comment is not such a line.
secret_lines='^[[:space:]]*([^#;[:space:]].*)?((passw(or)?d|pass-?phrase|passcode|secret|token|credential|psk|authorization|key[_-]?pass|(api|private|pre-?shared|shared|access|auth|account|encryption|master)[ _-]?key)[a-z0-9_-]*|pass|pw|pwd|(^|[^a-z])pin|_auth|"auth"|community)["'\'']?[[:space:]]*[:=>,]+[[:space:]]*(["'\''][^"'\'']|[^[:space:]"'\''#;,}{[])
^[[:space:]]*([^#;[:space:]].*)?(require_?pass|auth_pass|master_?auth|(bind|root)pw|psk|pass-?phrase|r[ow]community6?|com2sec6?)[[:space:]]+[^[:space:]]
^[[:space:]]*([^#;[:space:]].*)?(curl|wget)[[:space:]].*-(u|-user)[[:space:]=]*[^[:space:]]*:[^[:space:]]
^[[:space:]]*([^#;[:space:]].*)?((mysql|mariadb)[a-z-]*[[:space:]](.*[[:space:]])?-p[^[:space:]]|sshpass[[:space:]])
^[[:space:]]*[^#;[:space:]].*[[:space:]]-{0,2}(password|passwd|secret|token)[[:space:]]+[^=:[:space:]]
^[[:space:]]*(password|secret|token)[[:space:]]+[^=:[:space:]][^[:space:]]*[[:space:]]*$
^[[:space:]]*[^#;[:space:]]*(password|secret|token)s?["'\'']?[[:space:]]*:[[:space:]]*$
^[^:#;[:space:]]+:([{][a-z0-9.-]+[}]|[$][a-z0-9]+[$])
://[^/@:[:space:]]*:[^/@[:space:]]+@
-----BEGIN .*(PRIVATE|STATIC) KEY
AGE-SECRET-KEY-'
# Their lines look like those, and hold no secret ("passwd: files", "NOPASSWD: ALL"). Each is one pattern, for `case`.
no_secrets='*/nsswitch.conf'
sudo_rules='*/etc/sudoers*'
