set -eu
ufw allow 22/tcp comment 'SSH access'
ufw allow 80/tcp comment 'it is # not a comment'
ufw allow 443/tcp comment 'deny 22/tcp ALLOW IN Anywhere'
ufw allow 53/udp comment 'umlaut ü'
ufw --force enable
