set -eu
nft 'table inet own { chain input { tcp dport 22 accept; drop; }; }'
