"""Rows of datasets, and the kinds of what is searched."""

KINDS = {"train.lr_g": "float", "model.width": "int", "train.loss": "str", "x.flag": "bool", "x.list": "json"}


def metric(trial: int = 0, kimg: float = 1.0, attempt: int = 0, **more: object) -> dict[str, object]:
    return {"trial": trial, "attempt": attempt, "kimg": kimg, **more}
