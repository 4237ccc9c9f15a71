"""Releases: the folder of one is whole or absent, and a promotion that was cut off is finished by the
next run.
"""

import re
from collections.abc import Iterator

import pytest

from tests.support.crash.injection import Commands, Done, Fault, commands
from tests.support.crash.released import BACK, SIGNED, gone_on, prepared, promoted
from tests.support.crash.trial import TEMPORARY, WAY_OUT, Judge, Scenario, Tree, try_faults

pytestmark = pytest.mark.lab

FINISHED = "is promoted already, and nothing is left to do"
SCENARIOS = {
    "promote": Scenario(SIGNED, prepare=prepared(), sample=6, finished=FINISHED),
    "promote, a signature alone": Scenario(
        SIGNED, prepare=prepared(promoted), touching=("dist",), sample=3, finished=FINISHED
    ),
    "promote, a rollback": Scenario(
        BACK,
        prepare=prepared(gone_on),
        touching=("dist", TEMPORARY),
        sample=3,
        finished=FINISHED,
    ),
}
ERROR = re.compile(rf"Error: /.*/here/(dist|{TEMPORARY})(/[^:]+)?: [A-Z][^;:]+ {WAY_OUT}\n")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("commands")) as commands_run:
        yield commands_run


def judge_promotion(done: Done, tree: Tree, judge: Judge, _: Fault) -> None:
    """After an error: all files are new, or none is there and one sentence says so."""
    if done.status == 0:
        assert judge.all_new(tree)
        return
    assert (done.status, bool(ERROR.fullmatch(done.err))) == (3, True)
    assert judge.all_old(tree)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_release_is_whole_or_absent_and_the_next_run_finishes_it(
    name: str, run: Commands, tmp_path_factory: pytest.TempPathFactory
) -> None:
    try_faults(name, SCENARIOS[name], run, tmp_path_factory.mktemp("released"), judge_promotion)
