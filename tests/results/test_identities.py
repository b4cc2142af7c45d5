"""Only what was measured alike is ranked together."""

import pytest
from helpers.sweeps.ranking import IDENTITY, measured, of_results, order, trial

from ganlib.errors import RequestError
from ganlib.metrics.identity import Identity
from sweep.results.ranking import MixedIdentityError, rank, rank_or_explain


@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("extractor", "inception"),
        ("extractor_digest", "ffff"),
        ("n_fake", 2048),
        ("n_real", 9),
        ("data_hash", "x"),
        ("resize", "bicubic"),
        ("ema", False),
    ],
)
def test_different_measures_are_not_ranked_together(column: str, other: object) -> None:
    trials = [trial(0), trial(1), trial(2), trial(7)]
    rows = [measured(n, 1.0, 0.1) for n in range(3)] + [measured(7, 1.0, 0.1, **{column: other})]
    with pytest.raises(MixedIdentityError) as raised:
        of_results(trials, rows)
    text = str(raised.value)
    assert f"differ in {column}:" in text
    assert f"{column}={IDENTITY[column]}: trials 0-2" in text
    assert f"{column}={other}: trial 7" in text
    assert isinstance(raised.value, RequestError)


def test_measures_of_trials_out_of_play_do_not_matter() -> None:
    trials = [trial(0), trial(1, "collapsed", verdict="flat_image")]
    assert order(trials, [measured(0, 1.0, 0.1), measured(1, 1.0, 0.2, n_fake=8)]) == [0]


def test_how_evaluations_on_the_way_were_measured_does_not_matter_once_there_are_results() -> None:
    trials, rows = [trial(0), trial(1)], [measured(0, 1.0, 0.1, n_fake=8), measured(1, 1.0, 0.2, ema=False)]
    results = [measured(0, 1.0, 0.2), measured(1, 1.0, 0.1)]
    assert [entry.trial for entry in rank(trials, rows, "kid", (), results).ranked] == [1, 0]


def test_the_best_so_far_may_be_on_any_number_of_pictures_and_no_more() -> None:
    rows = [measured(0, 1.0, 0.2, n_fake=128), measured(1, 1.0, 0.1, n_fake=512)]
    board = rank([trial(0), trial(1)], rows, "kid")
    assert [(entry.trial, entry.n_fake) for entry in board.ranked] == [(1, 512), (0, 128)]
    assert board.identity is not None
    assert board.identity.n_fake == 512
    with pytest.raises(MixedIdentityError, match="differ in extractor"):
        rank([trial(0), trial(1)], [rows[0], rows[1] | {"extractor": "inception"}], "kid")


def test_a_fid_so_far_on_more_pictures_comes_first() -> None:
    """FID falls with the number of pictures, so that values on different numbers do not compare."""
    rows = [measured(0, 1.0, 0.3, n_fake=128), measured(1, 1.0, 0.9), measured(2, 1.0, 0.8)]
    trials = [trial(0), trial(1), trial(2)]
    assert order(trials, rows, "fid") == [2, 1, 0]
    assert order(trials, rows, "kid") == [0, 2, 1]


def test_who_shows_everything_gets_the_reason_instead() -> None:
    trials = [trial(0), trial(1), trial(2, "failed", failure="no")]
    rows = [measured(0, 1.0, 0.1), measured(1, 1.0, 0.2, n_fake=8)]
    board, problem = rank_or_explain(trials, rows, "kid", (), rows)
    assert problem is not None
    assert "n_fake" in problem
    assert not board.ranked
    assert board.identity is None
    assert board.label == "KID"
    reasons = ["not measured like the others", "not measured like the others", "failed: no"]
    assert [entry.reason for entry in board.left_out] == reasons


def test_identities_name_the_extractor_even_if_unknown() -> None:
    assert Identity(n_fake=8).label("fid") == "FID (unknown extractor, n=8)"
