"""Write numbers, times and values as people read them, in tables and reports."""

import json
import math
from collections.abc import Iterable, Sequence
from datetime import datetime

MISSING = "–"


def number(value: float | None, digits: int = 4) -> str:
    """Write a number with some significant digits: ``0.0123``, ``187.2``, ``1e-05``; a dash for None."""
    if value is None:
        return MISSING
    if not math.isfinite(value):
        return str(value)
    return f"{value:.{digits}g}"


def with_error(value: float | None, error: float | None) -> str:
    """Write a value and its standard error to one decimal place: ``0.0123 ± 0.0004``."""
    if value is None or error is None or not math.isfinite(value) or not 0 < error < math.inf:
        return number(value)
    decimals = min(max(1 - math.floor(math.log10(error)), 0), 8)
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def kimg(value: float | None) -> str:
    """Write thousands of pictures without needless zeros: ``40.5``, ``12``."""
    return MISSING if value is None else f"{value:,.3f}".rstrip("0").rstrip(".")


def amount(value: float) -> str:
    """Write an amount to three digits, and whole from a thousand on."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def percent(share: float) -> str:
    """Write a probability as whole per cent; none that was estimated is certain, so neither 0 nor 100."""
    whole = round(100 * share)
    return {0: "under 1 %", 100: "over 99 %"}.get(whole, f"{whole} %")


def duration(seconds: float | None) -> str:
    """Write seconds as ``42 s``, ``3 min 5 s``, ``1 h 12 min``, ``2 d 3 h``."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{whole} s"
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    big = next(index for index, (_, length) in enumerate(units) if whole >= length)
    first, rest = divmod(whole, units[big][1])
    second = rest // units[big + 1][1]
    return f"{first} {units[big][0]}" + (f" {second} {units[big + 1][0]}" if second else "")


def brief(value: float | None) -> str:
    """Write a metric or a loss in few characters, for a live table: ``0.0123``, ``3e-05``; ``-`` for None."""
    if value is None:
        return "-"
    if 0 < abs(value) < 0.001:
        return number(value, 2)
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"


def clock(seconds: float) -> str:
    """Write seconds as a clock shows them: hours, minutes and seconds, such as ``1:02:03`` or ``4:05``."""
    minutes, secs = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def size(count: float) -> str:
    """Write bytes as ``512 B``, ``3.4 MB`` (powers of ten, as disks are sold)."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 999.5 or unit == "TB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 99.95 else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("unreachable")


def moment(time: datetime | None) -> str:
    """Write a time to the minute, in the reader's own zone; a dash for None."""
    return MISSING if time is None else time.astimezone().strftime("%Y-%m-%d %H:%M")


def value(item: object) -> str:
    """Write a value of a configuration: floats short, a schedule as ``2 to 0.2, cosine``, a dash for an absent one."""
    if item is None:
        return MISSING
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, float):
        return _setting(item)
    if isinstance(item, str):
        return item
    if isinstance(item, dict) and {"from", "to"} <= item.keys():
        until = item.get("until", 1.0)
        end = "" if until == 1 else f" until {number(until, 3)} of the budget"
        return f"{value(item['from'])} to {value(item['to'])}, {item.get('shape', '')}{end}"
    if isinstance(item, list | tuple) and any(isinstance(one, dict) for one in item):
        return f"[{'; '.join(map(value, item))}]"
    return json.dumps(item, default=str)


def _setting(item: float) -> str:
    """Write a number of a configuration to three digits; near 1, as decays are, to three digits of what lacks of 1."""
    lacking = abs(1 - abs(item))
    if not 0 < lacking < 0.01:
        return number(item, 3)
    return f"{item:.{2 - math.floor(math.log10(lacking))}f}".rstrip("0")


def count(n: int, noun: str) -> str:
    """Write how many there are of a thing: ``1 trial``, ``3 trials``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def printable(text: str) -> str:
    """Remove control characters, which could drive a terminal; line ends become spaces."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def printable_lines(text: str) -> str:
    """Make each line of a text printable, and keep the lines."""
    return "\n".join(printable(line) for line in text.splitlines())


def all_ended(trials: int) -> str:
    """Say that all trials of a sweep have ended, of which there is at least one."""
    return f"all its {trials:,} trials have ended" if trials > 1 else "its only trial has ended"


def trial_numbers(trials: Iterable[int], most: int | None = None) -> str:
    """Write numbers of trials in order, neighbours folded: ``trials 0-3, 7``; at most ``most`` runs of them."""
    runs: list[list[int]] = []
    for trial in sorted(trials):
        if runs and trial == runs[-1][-1] + 1:
            runs[-1].append(trial)
        else:
            runs.append([trial])
    shown = runs[:most]
    folded = ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in shown)
    if rest := sum(map(len, runs)) - sum(map(len, shown)):
        folded += f" and {rest} more"
    return f"trial{'s' if sum(map(len, runs)) > 1 else ''} {folded}"


def short_names(paths: Sequence[str]) -> list[str]:
    """Leave out the section of each path, or leave it whole where the rest would be ambiguous."""
    last = [path.partition(".")[2] or path for path in paths]
    return [short if last.count(short) == 1 else path for short, path in zip(last, paths, strict=True)]


def sentence(words: str) -> str:
    """Give words a capital and a full stop."""
    return f"{words[:1].upper()}{words[1:]}."
