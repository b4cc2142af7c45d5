"""Verdicts as the rules of collapse give them."""

from ganlib.training.collapse import Verdict


def kind(verdict: Verdict | None) -> str | None:
    return verdict.kind if verdict else None
