"""Contestants taken in turns, and what their times come to."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Sample = dict[str, Any]
Samples = dict[str, dict[int, Sample]]
"""What was measured, by contestant and round."""

SLOW = 1.5  # seconds; who takes longer in the first round takes part in few
FEW = 1


def interleave(
    names: Iterable[str], measure: Callable[[str], Sample], rounds: int, always: Iterable[str] = ()
) -> Samples:
    """Measure each contestant once a round, each time in another order.

    One that failed, or that is slow and not to take part ``always``, is not asked again.
    """
    found: Samples = {name: {} for name in names}
    for number in range(rounds):
        for name in random.Random(number).sample(list(found), len(found)):
            first = found[name].get(0)
            if first is not None and "error" in first:
                continue
            if number >= FEW and first["seconds"] > SLOW and name not in always:
                continue
            found[name][number] = measure(name)
    return found


def median(samples: Mapping[int, Sample], of: str = "seconds") -> float | None:
    """Return the median of what one contestant took, or None if it failed."""
    values = [sample[of] for sample in samples.values() if "error" not in sample]
    return statistics.median(values) if values else None


def ratio(samples: Samples, name: str, base: str, of: str = "seconds") -> float | None:
    """Return the median of the ratios of two contestants, round by round."""
    pairs = [
        (samples[name][number], samples[base][number])
        for number in samples[name].keys() & samples[base].keys()
    ]
    ratios = [a[of] / b[of] for a, b in pairs if "error" not in a and "error" not in b]
    return statistics.median(ratios) if ratios else None


def least(samples: Samples, name: str, base: str, of: str = "seconds") -> float | None:
    """Return the ratio of the least that two contestants took, when little disturbed them."""
    ours, theirs = (
        [sample[of] for sample in samples[who].values() if "error" not in sample]
        for who in (name, base)
    )
    return min(ours) / min(theirs) if ours and theirs else None
