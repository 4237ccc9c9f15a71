set -eu
nft flush ruleset
