"""The reader of archives, on whatever bytes there are."""

import json
import resource

import pytest

from jaxenvs import scoreboard
from jaxenvs.errors import InvalidSubmission
from tests.scoreboard import forged_files
from tests.scoreboard.honest import RULES, archive, files, played

hypothesis = pytest.importorskip("hypothesis", reason='needs hypothesis: pip install "jaxenvs[test]"')
st = hypothesis.strategies

SETTINGS = hypothesis.settings(
    deadline=None,
    database=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=list(hypothesis.HealthCheck),
)


def refuses_or_reads(data):
    """Reads bytes: a submission that can be written again, or the one error that says why not."""
    try:
        submission = scoreboard.Submission.read(data)
    except InvalidSubmission as error:
        assert str(error)
        return
    assert scoreboard.Submission.read(submission.to_bytes()).author == submission.author


def test_the_same_submission_gives_the_same_bytes():
    data = played().to_bytes()
    assert scoreboard.Submission.read(data).to_bytes() == data


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidSubmission, match="cannot be read"):
        scoreboard.Submission.read(tmp_path / "none.zip")


@SETTINGS
@hypothesis.given(st.binary(max_size=300))
def test_any_bytes_are_refused(data):
    refuses_or_reads(data)
    refuses_or_reads(b"PK\x03\x04" + data)


@SETTINGS
@hypothesis.given(st.data())
def test_changed_bytes_of_an_archive_are_refused_or_read(data):
    content = bytearray(played().to_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    refuses_or_reads(bytes(content))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CONTENT = files(played())
HEADER = json.loads(CONTENT["submission.json"])


@SETTINGS
@hypothesis.given(st.dictionaries(st.sampled_from(sorted(HEADER)), JSON, min_size=1, max_size=4))
def test_any_values_of_the_header_are_refused_or_read(changed):
    refuses_or_reads(archive({**CONTENT, "submission.json": json.dumps({**HEADER, **changed}).encode()}))


@SETTINGS
@hypothesis.given(st.binary(max_size=400), st.binary(max_size=100))
def test_any_columns_are_refused_or_read(columns, actions):
    refuses_or_reads(archive({**CONTENT, "episodes.bin": columns, "actions.bin": actions}))


@hypothesis.settings(SETTINGS, max_examples=30)
@hypothesis.given(st.data())
def test_what_the_reader_lets_pass_is_judged(data):
    """Whatever is in the columns, `verify` gives a verdict and never raises."""
    columns = bytearray(CONTENT["episodes.bin"])
    for _ in range(data.draw(st.integers(1, 3))):
        columns[data.draw(st.integers(0, len(columns) - 1))] = data.draw(st.integers(0, 255))
    try:
        submission = scoreboard.Submission.read(archive({**CONTENT, "episodes.bin": bytes(columns)}))
    except InvalidSubmission:
        return
    verdict = scoreboard.verify(submission, rules=RULES)
    assert verdict.state in ("verified", "rejected"), verdict.reason


def test_a_bomb_takes_no_memory():
    """Sizes are checked before anything is unpacked."""
    bomb = forged_files.bomb()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(20):
        with pytest.raises(InvalidSubmission, match="would unpack to 130 MiB"):
            scoreboard.Submission.read(bomb)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024  # KiB
