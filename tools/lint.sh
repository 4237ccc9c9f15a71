#!/bin/sh
# What a change must pass beside its tests; the tools are those on PATH. All of them are run, and any that fails fails this.
set -u
cd "$(dirname "$0")/.." || exit
status=0

run() {
    printf 'lint: %.90s\n' "$*" # a list of files may follow
    "$@" || status=1
}

run ruff check --quiet .
run ruff format --check --quiet .
run mypy --no-error-summary
run lint-imports --no-logo
run python tools/generate.py --check
run python tools/interface.py --check
run sh tools/test-ids.sh
# shellcheck disable=SC2046
run shellcheck --shell=sh --external-sources .ci/run $(find deploy probes tests tools -name '*.sh' | sort)

# The workflows, and what others include of ours. How they behave is tested in tests/workflows/.
run check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
run check-jsonschema --quiet --builtin-schema vendor.github-actions .github/actions/*/action.yml
run check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
run check-jsonschema --quiet --builtin-schema vendor.gitlab-ci deploy/gitlab/*.yml
run yamllint --strict .yamllint.yaml .pre-commit-*.yaml .github deploy/gitlab
run zizmor --quiet --no-progress --offline --strict-collection --min-severity=low .github
if command -v actionlint >/dev/null; then
    run actionlint
else
    echo "lint: actionlint: not run, since it is not installed (make lint builds it where Go 1.21 or later is)"
fi
exit $status
